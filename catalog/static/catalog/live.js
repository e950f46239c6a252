// @ts-check
// Refresh the live parts of a node's page in place while the page is visible.
//
// The server renders the parts; one that has not changed is left alone. Focus, the text in an input
// and the horizontal scroll position are kept, and a part with selected text waits.
"use strict";

(() => {
  const MIN_DELAY = 2000;
  const MAX_DELAY = 30000;
  // The server spends at most a fifth of its time on a page that is slow to render.
  const PAUSE_PER_ANSWER = 4;
  const TIMEOUT = 20000;
  const HIDDEN = "hidden";

  const found = /** @type {HTMLElement | null} */ (document.querySelector("[data-live-address]"));
  const statusLine = /** @type {HTMLElement | null} */ (document.querySelector(".live-status"));
  if (!found || !statusLine) return;
  const page = found;
  const status = statusLine;

  /** @type {Map<string, string>} The last HTML of each part, as the server sent it. */
  const shown = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {AbortController | undefined} */
  let request;
  let failures = 0;
  let stopped = false;
  let answered = new Date();

  /** An answer after which it is useless to ask again. */
  class Final extends Error {}

  async function refresh() {
    request = new AbortController();
    const { signal } = request;
    const timeout = setTimeout(() => request?.abort("timeout"), TIMEOUT);
    const begun = performance.now();
    try {
      replaceParts(await load(signal));
      answered = new Date();
      failures = 0;
      report("");
    } catch (error) {
      if (signal.aborted && signal.reason === HIDDEN) return;
      failures += 1;
      fail(error);
    } finally {
      clearTimeout(timeout);
    }
    const took = performance.now() - begun;
    const delay = Math.max(MIN_DELAY * 2 ** Math.min(failures, 4), PAUSE_PER_ANSWER * took);
    if (!document.hidden && !stopped) timer = setTimeout(refresh, Math.min(delay, MAX_DELAY));
  }

  /** @param {AbortSignal} signal */
  async function load(signal) {
    const response = await fetch(page.dataset.liveAddress ?? "", {
      signal,
      cache: "no-store",
      credentials: "same-origin",
    });
    if (response.redirected || response.status === 403) {
      throw new Final("You are not logged in any more, or may not see this node. Reload the page to log in.");
    }
    if (response.status === 404) throw new Final("This node was deleted.");
    if (!response.ok) throw new Error(`The server answered with status ${response.status}.`);
    return response.text();
  }

  /** @param {unknown} error */
  function fail(error) {
    if (error instanceof Final) {
      stopped = true;
      report(error.message);
      return;
    }
    const reason = error instanceof Error && error.message.startsWith("The server") ? error.message : "The server cannot be reached.";
    report(`Not updated since ${answered.toLocaleTimeString()}. ${reason} Trying again.`);
  }

  /** @param {string} text */
  function report(text) {
    // Set only when it changes: screen readers announce each change.
    if (status.textContent !== text) status.textContent = text;
    status.hidden = !text;
  }

  /** @param {string} html */
  function replaceParts(html) {
    const parsed = new DOMParser().parseFromString(html, "text/html");
    for (const fresh of parsed.querySelectorAll("[data-live]")) {
      const key = fresh.getAttribute("data-live") ?? "";
      const old = page.querySelector(`[data-live="${CSS.escape(key)}"]`);
      const text = fresh.outerHTML;
      if (!old || (shown.get(key) ?? old.outerHTML) === text || isInUse(old)) continue;
      shown.set(key, text);
      replace(old, document.importNode(fresh, true));
    }
  }

  /** @param {Element} part */
  function isInUse(part) {
    const selection = document.getSelection();
    if (selection && !selection.isCollapsed && selection.containsNode(part, true)) return true;
    const active = document.activeElement;
    return active instanceof HTMLInputElement && part.contains(active) && active.value !== active.defaultValue;
  }

  /**
   * @param {Element} old
   * @param {Element} fresh
   */
  function replace(old, fresh) {
    const focused = old.contains(document.activeElement) ? document.activeElement?.id : "";
    const offsets = [...old.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    old.replaceWith(fresh);
    fresh.querySelectorAll(".scroll").forEach((box, index) => {
      box.scrollLeft = offsets[index] ?? 0;
    });
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    request?.abort(HIDDEN);
    if (!document.hidden && !stopped) refresh();
  });
  if (!document.hidden) timer = setTimeout(refresh, MIN_DELAY);
})();
