// @ts-check
/** The shot page's decisions and change requests: sent to the API, and the page shown again as it stands then. */
const token = /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name="csrf"]'))?.content ?? "";

/** Sends; returns what is wrong, "" when nothing is. @param {string} path @param {object} body */
async function send(path, body) {
  try {
    const headers = { "Content-Type": "application/json", "X-CSRF": token };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    if (answer.ok) return "";
    return String((await answer.json()).detail ?? answer.status);
  } catch (error) {
    return `The server does not answer (${error}).`;
  }
}

/** @param {HTMLFormElement} form @param {(event: SubmitEvent) => [string, object]} asked */
function wire(form, asked) {
  const said = /** @type {HTMLElement} */ (form.querySelector('[role="alert"]'));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const buttons = form.querySelectorAll("button");
    const [path, body] = asked(event);
    buttons.forEach((button) => { button.disabled = true; });
    said.textContent = await send(path, body);
    said.hidden = !said.textContent;
    buttons.forEach((button) => { button.disabled = false; });
    if (said.hidden) location.reload();
  });
}

const decide = /** @type {HTMLFormElement | null} */ (document.getElementById("decide"));
if (decide) {
  wire(decide, (event) => {
    const button = /** @type {HTMLButtonElement} */ (event.submitter ?? decide.querySelector("button"));
    const text = /** @type {HTMLTextAreaElement} */ (decide.elements.namedItem("text")).value;
    return [`${decide.dataset.path}/${button.value}`, { text, digest: decide.dataset.digest ?? "" }];
  });
}

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form.pick"))) {
  wire(form, () => [
    form.dataset.path ?? "",
    { version: Number(form.dataset.version), piece: form.dataset.piece, take: form.dataset.take },
  ]);
}

const ask = /** @type {HTMLFormElement | null} */ (document.getElementById("ask"));
/** @type {{path: string, kind: string, value: unknown, least: number | null, most: number | null, words: string[]}[]} */
let levers = [];

/** What was typed, as the lever's kind; empty takes the key out. @param {string} typed @param {string} kind */
function valueOf(typed, kind) {
  const plain = typed.trim();
  if (plain === "") return null;
  if (kind === "yes or no") return ["yes", "true", "on"].includes(plain.toLowerCase());
  if (kind === "text") return plain;
  try {
    return JSON.parse(plain);
  } catch {
    return plain; // the server says what is wrong with it
  }
}

/** @param {HTMLFormElement} form */
async function fill(form) {
  const choice = /** @type {HTMLSelectElement} */ (form.elements.namedItem("lever"));
  const now = /** @type {HTMLElement} */ (document.getElementById("lever-now"));
  const answer = await fetch(`/api/shots/${form.dataset.shot}/levers`);
  if (!answer.ok) return;
  levers = await answer.json();
  choice.append(...levers.map((lever) => new Option(lever.path, lever.path)));
  choice.addEventListener("change", () => {
    const lever = levers.find((each) => each.path === choice.value);
    const limits = lever && (lever.least !== null || lever.most !== null) ? `, ${lever.least ?? "…"} to ${lever.most ?? "…"}` : "";
    const words = lever?.words.length ? `: ${lever.words.join(", ")}` : "";
    now.textContent = lever ? `now ${lever.value === null ? "unset" : JSON.stringify(lever.value)} (${lever.kind}${limits}${words})` : "";
  });
}

if (ask) {
  wire(ask, () => {
    const given = new FormData(ask), path = String(given.get("lever"));
    const kind = levers.find((each) => each.path === path)?.kind ?? "text";
    const body = { lever: path, value: valueOf(String(given.get("value")), kind), text: String(given.get("text")) };
    return [`/api/shots/${ask.dataset.shot}/requests`, body];
  });
  fill(ask);
}
