// What the pages do better with script; without it every form and link works as well.
"use strict";

// In Airflow's frame: look as Airflow does, whose switch may differ from the system's setting.
const framed = window.parent !== window;
if (framed) {
  const outer = window.parent.document.documentElement;
  const follow = () => {
    const names = outer.className.split(" ");
    const theme = names.includes("dark") ? "dark" : names.includes("light") ? "light" : "";
    if (theme) document.documentElement.dataset.theme = theme;
  };
  follow();
  new MutationObserver(follow).observe(outer, { attributes: true, attributeFilter: ["class"] });
}

// Airflow's own pages open in place of the whole window: its frame lets no link out, so the outer document follows it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-airflow]");
  if (!link || !framed || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const outside = window.parent.document.createElement("a");
  outside.href = link.href;
  outside.click();
});

// Filters and orders of lists are done by the server; only the list is exchanged.
let newest = 0;
const show = async (url) => {
  const mine = ++newest;
  let text = "";
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) text = await answer.text();
  } catch {
    // The whole page says what is wrong.
  }
  if (mine !== newest) return;
  const results = new DOMParser().parseFromString(text, "text/html").getElementById("results");
  if (!results) {
    window.location.assign(url);
    return;
  }
  const focused = document.activeElement?.closest("#results a[data-swap]")?.textContent;
  document.getElementById("results").replaceChildren(...results.childNodes);
  history.replaceState(null, "", url);
  if (focused) {
    [...document.querySelectorAll("#results a[data-swap]")].find((link) => link.textContent === focused)?.focus();
  }
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("#results a[data-swap]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const form = document.querySelector("form[data-filter]");
  const wanted = new URL(link.href).searchParams;
  for (const name of ["state", "sort"]) {
    if (form?.elements[name] && wanted.has(name)) form.elements[name].value = wanted.get(name);
  }
  show(link.href);
});

for (const form of document.querySelectorAll("form[data-filter]")) {
  let timer = 0;
  const submit = () => {
    const wanted = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) wanted.set(name, value);
    const query = String(wanted);
    show(query ? `${form.action}?${query}` : form.action);
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(submit, 200);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    submit();
  });
}
