// @ts-check
/** The keyboard: what each key does, and the page that says so. What a field or a button needs of it stays its own. */

/** @typedef {{keys: string[], shown: string, says: string, does: () => void}} Key */

const OF_BUTTONS = new Set([" ", "Enter"]);
const OF_SLIDERS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"]);

/** @param {Key[]} keys @param {() => boolean} asleep */
export function listen(keys, asleep) {
  /** @type {Map<string, () => void>} */
  const known = new Map(keys.flatMap((key) => key.keys.map((name) => [name, key.does])));
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || asleep() || taken(document.activeElement, event.key)) return;
    const name = `${event.ctrlKey ? "Ctrl+" : ""}${event.shiftKey && event.key.length > 1 ? "Shift+" : ""}${
      event.key.length === 1 && !event.ctrlKey ? event.key.toLowerCase() : event.key
    }`;
    const does = known.get(name);
    if (!does) return;
    event.preventDefault();
    does();
  });
}

/** Whether the element in focus uses a key itself. @param {Element | null} element @param {string} key */
function taken(element, key) {
  if (!element || key === "Escape") return false;
  if (element.matches("input[type=range]")) return OF_SLIDERS.has(key);
  if (element.matches("input:not([type=checkbox]), textarea, select")) return true;
  return element.matches("button, a, input, summary") && OF_BUTTONS.has(key);
}

/** Give the keys back to the page after a click; who came by keyboard stays where they are. @param {HTMLElement} element */
export function letGo(element) {
  if (!element.matches(":focus-visible")) element.blur();
}

/** @param {HTMLElement} list @param {Key[]} keys */
export function explain(list, keys) {
  list.replaceChildren(
    ...keys.map(({ shown, says }) => {
      const row = document.createElement("div");
      const name = document.createElement("dt");
      const what = document.createElement("dd");
      for (const part of shown.split(" ")) {
        const cap = document.createElement("kbd");
        cap.textContent = part;
        name.append(cap);
      }
      what.textContent = says;
      row.append(name, what);
      return row;
    }),
  );
}
