// @ts-check
/** The show page's filter: at once, in the page. */
const form = /** @type {HTMLFormElement} */ (document.querySelector("form.filter"));
const count = /** @type {HTMLElement} */ (document.getElementById("count"));
const field = /** @type {(name: string) => HTMLInputElement} */ ((name) => form.elements.namedItem(name));
const asked = new URLSearchParams(location.search);

/** Shows what matches the search and the status, and hides a sequence that has nothing left. */
function filter() {
  const words = field("q").value.toLowerCase().split(/\s+/).filter(Boolean);
  const status = field("status").value;
  let shown = 0;
  for (const section of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".sequence"))) {
    let here = 0;
    for (const item of /** @type {NodeListOf<HTMLElement>} */ (section.querySelectorAll(".shots > li"))) {
      const told = (item.dataset.words ?? "").toLowerCase();
      item.hidden = !(words.every((word) => told.includes(word)) && (!status || item.dataset.status === status));
      if (!item.hidden) here += 1;
    }
    section.hidden = here === 0;
    shown += here;
  }
  const none = /** @type {HTMLElement} */ (document.getElementById("none"));
  none.hidden = shown > 0 || count.dataset.total === "0";
  count.textContent = `${shown} of ${count.dataset.total ?? ""}`;
}

// What the server left out is not in the page: a page that came filtered asks it again.
const whole = !asked.get("q") && !asked.get("status");
field("q").addEventListener("input", () => { if (whole) filter(); });
field("status").addEventListener("change", () => { if (whole) filter(); else form.submit(); });
field("sort").addEventListener("change", () => form.submit());
form.addEventListener("submit", (event) => {
  if (!whole) return;
  event.preventDefault();
  filter();
});
