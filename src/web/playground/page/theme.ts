type Theme = "light" | "dark";

const keptUnder = "theme";

/** What was chosen, else what the system prefers. */
export function currentTheme(): Theme {
  const chosen = localStorage.getItem(keptUnder);
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Before the first paint, so that nothing flashes. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = currentTheme();
}

export function toggleTheme(): void {
  localStorage.setItem(keptUnder, currentTheme() === "dark" ? "light" : "dark");
  applyTheme();
}
