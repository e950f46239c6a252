// @ts-check
// Whether the notebook is dark: by the colour behind the widget, whatever the notebook is.

/**
 * Return whether the colour behind an element is a dark one.
 * @param {Element} element
 */
export function isDark(element) {
  for (let each = /** @type {Element | null} */ (element); each; each = each.parentElement) {
    const [red, green, blue, alpha = 1] = (getComputedStyle(each).backgroundColor.match(/[\d.]+/g) ?? []).map(Number);
    if (red !== undefined && alpha > 0) return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
  }
  return false;
}

/**
 * Call a function when the notebook may have another theme; return a function that ends this.
 * @param {() => void} action
 */
export function watchTheme(action) {
  const observer = new MutationObserver(action);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-light", "data-theme", "data-vscode-theme-kind"] });
  }
  return () => observer.disconnect();
}
