// @ts-check
/** The keyboard: what each key does, and the page that says so. */

/** @typedef {{keys: string[], shown: string, says: string, does: () => void}} Key */

/** @param {Key[]} keys @param {() => boolean} asleep  while a text is being written */
export function listen(keys, asleep) {
  /** @type {Map<string, () => void>} */
  const known = new Map(keys.flatMap((key) => key.keys.map((name) => [name, key.does])));
  document.addEventListener("keydown", (event) => {
    if (asleep() && event.key !== "Escape") return;
    if (event.altKey || event.metaKey) return;
    const name = `${event.ctrlKey ? "Ctrl+" : ""}${event.shiftKey && event.key.length > 1 ? "Shift+" : ""}${
      event.key.length === 1 && !event.ctrlKey ? event.key.toLowerCase() : event.key
    }`;
    const does = known.get(name);
    if (!does) return;
    event.preventDefault();
    does();
  });
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
