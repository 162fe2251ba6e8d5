// The search box of the data dictionary. Everything that it finds stands in the pages as well.
"use strict";

{
  const form = document.querySelector("form.find");
  const input = form.querySelector("input");
  const found = form.querySelector(".found");
  const list = found.querySelector("[role=listbox]");
  const note = found.querySelector("p");
  const said = form.querySelector("[role=status]");
  const { root, suffix, index } = form.dataset;
  const MOST = 40;
  let entries = null;
  let asked = false;
  let chosen = -1;

  // A script of its own, so that it can be had from a disk, where nothing may be fetched; and when somebody searches.
  window.tributaryIndex = (tables) => {
    entries = tables.flatMap(([name, where, words, address, columns]) => {
      const parts = [{ name, where, words, address, place: "", rank: 0 }];
      for (let at = 0; at < columns.length; at += 2) {
        const place = `c-${columns[at]}`;
        parts.push({ name: columns[at], where: `${where}.${name}`, words: columns[at + 1], address, place, rank: 1 });
      }
      return parts;
    });
    entries.forEach((entry, number) => {
      entry.number = number;
      entry.lower = entry.name.toLowerCase();
      entry.all = `${entry.where}.${entry.name} ${entry.words}`.toLowerCase();
    });
    show();
  };

  const load = () => {
    if (asked) return;
    asked = true;
    const script = document.createElement("script");
    script.src = index;
    script.addEventListener("error", () => {
      asked = false;
    });
    document.head.append(script);
  };

  const link = ({ address, place }) => {
    const [path, hash] = address.split("#");
    return `${root}${path}${suffix}${place || hash ? `#${place || hash}` : ""}`;
  };

  // How well an entry fits: its name first, then what is said of it; tables before columns.
  const score = (entry, words) => {
    if (!words.every((word) => entry.all.includes(word))) return -1;
    const text = words.join(" ");
    const name = entry.lower;
    const fit = name === text ? 0 : name.startsWith(words[0]) ? 2 : words.some((word) => name.includes(word)) ? 4 : 6;
    return fit + entry.rank;
  };

  // The line that Enter opens; -1: none was chosen, and it opens the first.
  const choose = (number) => {
    const links = [...list.children];
    chosen = number;
    links.forEach((one, at) => one.setAttribute("aria-selected", String(at === chosen)));
    if (chosen < 0) {
      input.removeAttribute("aria-activedescendant");
    } else {
      input.setAttribute("aria-activedescendant", links[chosen].id);
      links[chosen].scrollIntoView({ block: "nearest" });
    }
  };

  const close = () => {
    found.hidden = true;
    input.setAttribute("aria-expanded", "false");
    choose(-1);
  };

  const show = () => {
    const words = input.value.toLowerCase().trim().split(/[\s.`]+/).filter(Boolean);
    if (!entries || !words.length) {
      close();
      return;
    }
    const fits = entries
      .map((entry) => [score(entry, words), entry])
      .filter(([fit]) => fit >= 0)
      .sort(([one, a], [other, b]) => one - other || a.number - b.number)
      .map(([, entry]) => entry);
    list.replaceChildren(
      ...fits.slice(0, MOST).map((entry, number) => {
        const line = document.createElement("a");
        const name = document.createElement("b");
        const where = document.createElement("span");
        const about = document.createElement("small");
        line.href = link(entry);
        line.id = `found-${number}`;
        line.setAttribute("role", "option");
        name.textContent = entry.name;
        where.className = "where";
        where.textContent = entry.where;
        about.textContent = entry.words.replaceAll("`", "");
        line.append(name, where, about);
        return line;
      }),
    );
    said.textContent = fits.length ? `${fits.length} found` : "Nothing found";
    const more = fits.length - MOST;
    note.textContent = more > 0 ? `${more} more: say more of it.` : "Nothing has such a name or description.";
    note.hidden = fits.length > 0 && more <= 0;
    found.hidden = false;
    input.setAttribute("aria-expanded", "true");
    choose(-1);
  };

  input.addEventListener("focus", load);
  input.addEventListener("input", () => {
    load();
    show();
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const lines = list.children.length;
      if (lines) choose(chosen < 0 && step < 0 ? lines - 1 : (chosen + step + lines) % lines);
    } else if (event.key === "Escape") {
      close();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    (list.children[chosen] ?? list.children[0])?.click();
  });
  document.addEventListener("click", (event) => {
    if (!form.contains(event.target) || event.target.closest(".found a")) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    input.focus();
  });
  form.hidden = false;
  // A browser that goes back keeps what was typed.
  if (input.value) load();
}
