import { element } from "./elements.ts";

const key = "whispr-theme";
type Theme = "light" | "dark";

/** The colours that were chosen, else those of the system. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = chosen();
}

function chosen(): Theme {
  const kept = localStorage.getItem(key);
  if (kept === "light" || kept === "dark") return kept;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function themeButton(): HTMLElement {
  const button = element("button", {
    is: "theme",
    type: "button",
    "aria-label": "Light or dark colours",
    title: "Light or dark",
  });
  const show = () => {
    button.textContent = chosen() === "dark" ? "☀" : "☾";
  };
  button.addEventListener("click", () => {
    localStorage.setItem(key, chosen() === "dark" ? "light" : "dark");
    applyTheme();
    show();
  });
  show();
  return button;
}
