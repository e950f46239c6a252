// Record what the page draws, how long input waits, and when something is first shown.
// Run by Chromium in each new document, before its own scripts.
(() => {
  const PATIENCE = 60_000;
  const records = { drawn: [], input: [], long: [], shown: null };
  window.benchmark = records;

  // The next animation frame begins when the one with the image has been handed to the compositor.
  window.addEventListener("tiled-drawn", ({ detail }) => {
    const record = [detail.sequence, Date.now(), 0];
    records.drawn.push(record);
    requestAnimationFrame(() => (record[2] = Date.now()));
  });

  const afterFrame = (action) => requestAnimationFrame(() => setTimeout(action));
  for (const type of ["keydown", "wheel"]) {
    const onInput = (event) => afterFrame(() => records.input.push(performance.now() - event.timeStamp));
    window.addEventListener(type, onInput, { capture: true, passive: true });
  }

  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) records.long.push(entry.duration);
  }).observe({ type: "longtask" });

  records.until = (isShown) => {
    // A promise: readers wait for it.
    records.shown = new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error("The page does not show it.")), PATIENCE);
      const look = () => {
        if (isShown()) afterFrame(() => resolve(performance.now()));
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
  };
})();
