type Theme = "light" | "dark";

const keptUnder = "theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

/** Returns what was chosen, else what the system prefers. */
export function currentTheme(): Theme {
  const chosen = localStorage.getItem(keptUnder);
  return chosen === "light" || chosen === "dark" ? chosen : systemTheme();
}

/** Before the first paint, so that nothing flashes. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = currentTheme();
}

/** Whoever chooses what the system prefers follows the system from then on. */
export function toggleTheme(): void {
  const next = currentTheme() === "dark" ? "light" : "dark";
  if (next === systemTheme()) localStorage.removeItem(keptUnder);
  else localStorage.setItem(keptUnder, next);
  applyTheme();
}

/** Follows what other tabs choose and what the system prefers. */
export function watchTheme(onChange: () => void): void {
  const changed = () => {
    applyTheme();
    onChange();
  };
  prefersDark.addEventListener("change", changed);
  // Without a key: everything was cleared.
  window.addEventListener("storage", ({ key }) => (key === keptUnder || key === null) && changed());
}

function systemTheme(): Theme {
  return prefersDark.matches ? "dark" : "light";
}
