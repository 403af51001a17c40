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
