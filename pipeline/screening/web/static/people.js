// @ts-check
// The people page: invite, change, guest links, the audit's check.

const csrf = /** @type {HTMLMetaElement} */ (document.querySelector('meta[name="csrf"]')).content;
const said = /** @type {HTMLElement} */ (document.querySelector("#said"));

/**
 * Ask the server to do something.
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>} its answer; throws its own line when it refuses
 */
async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF": csrf },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const told = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told;
}

/** @param {string} line @param {string} [link] */
function say(line, link) {
  said.hidden = false;
  said.textContent = line;
  if (!link) return;
  const field = document.createElement("input");
  field.readOnly = true;
  field.value = link;
  field.setAttribute("aria-label", "The link");
  said.append(field);
  field.select();
}

/** @param {() => Promise<void>} work */
async function tell(work) {
  try {
    await work();
  } catch (error) {
    say(/** @type {Error} */ (error).message);
  }
}

/**
 * @param {string} id
 * @param {(fields: FormData) => Promise<void>} send
 */
function onSend(id, send) {
  const form = /** @type {HTMLFormElement | null} */ (document.querySelector(id));
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    void tell(() => send(new FormData(form)));
  });
}

onSend("#invite", async (fields) => {
  const name = fields.get("name");
  const made = await ask("/api/users", { name, role: fields.get("role") });
  say(`Send this link to ${name}. It works once, within seven days, and is not shown again.`, made.link);
});

onSend("#playlist", async (fields) => {
  const items = String(fields.get("items"))
    .split(/[,;\n]/)
    .map((item) => item.trim())
    .filter(Boolean)
    .map((item) => {
      const found = /^(\S+?)[\s_]+v?(\d+)$/.exec(item);
      if (!found) throw new Error(`${item}: write a shot and its version, such as bp_010_0010 v1.`);
      return { shot: found[1], version: Number(found[2]) };
    });
  await ask("/api/playlists", { name: fields.get("name"), items });
  location.reload();
});

onSend("#guest", async (fields) => {
  const made = await ask("/api/guests", {
    playlist_id: Number(fields.get("playlist_id")),
    label: fields.get("label"),
    days: Number(fields.get("days")),
    commenting: fields.get("commenting") !== null,
  });
  say(`Send this link to ${fields.get("label")}. It is not shown again.`, made.link);
});

document.addEventListener("change", (event) => {
  const select = /** @type {HTMLSelectElement} */ (event.target);
  const row = select.closest("tr[data-user]");
  if (!(row instanceof HTMLElement) || select.name !== "role") return;
  void tell(async () => {
    await ask(`/api/users/${row.dataset.user}`, { role: select.value });
    say(`${row.dataset.name} is ${select.value} now.`);
  });
});

document.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest("button[data-do]");
  if (!(button instanceof HTMLElement)) return;
  const row = /** @type {HTMLElement} */ (button.closest("tr"));
  void tell(async () => {
    if (button.dataset.do === "link") {
      const made = await ask(`/api/users/${row.dataset.user}/link`);
      say(`By this link ${row.dataset.name} chooses a new password, once.`, made.link);
      return;
    }
    if (button.dataset.do === "revoke") await ask(`/api/guests/${row.dataset.guest}/revoke`);
    else await ask(`/api/users/${row.dataset.user}`, { disabled: button.dataset.do === "disable" });
    location.reload();
  });
});

document.querySelector("#check")?.addEventListener("click", () => {
  void tell(async () => {
    const found = await (await fetch("/api/audit/check")).json();
    const line = found.fault || `${found.entries} entries, whole, signed to the last.`;
    /** @type {HTMLElement} */ (document.querySelector("#checked")).textContent = line;
  });
});
