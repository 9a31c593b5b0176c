// Runs before the first paint, so that no page flashes in the wrong colours.
(() => {
  "use strict";
  const root = document.documentElement;
  const kept = localStorage.getItem("theme");
  root.classList.add("js");
  if (kept === "dark" || kept === "light") root.style.colorScheme = kept;

  const isDark = () =>
    root.style.colorScheme ? root.style.colorScheme === "dark" : !matchMedia("(prefers-color-scheme: light)").matches;

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    if (!button) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      const next = isDark() ? "light" : "dark";
      root.style.colorScheme = next;
      localStorage.setItem("theme", next);
      document.body.dispatchEvent(new CustomEvent("ta:theme"));
    });
  });
})();
