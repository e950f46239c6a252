// @ts-check
// The image view: frames as colours, with limits, zoom, cursor, profiles and regions of interest.
import { html, useCallback, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { Controls } from "./controls.js";
import { Readout } from "./cursor.js";
import { Display } from "./display.js";
import { fault } from "./frame.js";
import { Levels } from "./histogram.js";
import { pressed } from "./keyboard.js";
import { Overlay } from "./overlay.js";
import { listen } from "./pointer.js";
import { Profile } from "./profiles.js";
import { RoiTable } from "./roi-table.js";
import { settings as read } from "./view.js";

export { shortcuts } from "./keyboard.js";

/**
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").View} View
 * @typedef {import("./display.js").Viewport} Viewport
 */

/** @type {View} */
const NO_VIEW = {};

/**
 * `size` is that of the full array, if it is known before the first frame: what is visible is then
 * reported at once.
 * @param {{frame: Frame | null, size?: import("./viewport.js").Size, view?: View, onView?: (patch: View) => void,
 *   onDrawn?: (frame: Frame) => void, onViewport?: (viewport: Viewport) => void, label?: string,
 *   renderer?: "auto" | "webgl2" | "canvas", onDisplay?: (display: Display) => void}} props
 */
export function ImageView(props) {
  const { frame, size, view = NO_VIEW, onView, onDrawn, onViewport, label = "Image" } = props;
  const display = useMemo(() => new Display(props.renderer ?? "auto"), [props.renderer]);
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const stage = useRef(/** @type {HTMLElement | null} */ (null));
  const host = useRef(/** @type {HTMLElement | null} */ (null));
  const { modes, voice } = useModes();
  const settings = useMemo(() => read(view), [view]);
  const latest = useRef(modes);
  latest.current = modes;

  useLayoutEffect(() => {
    if (!host.current || !stage.current) return undefined;
    const detach = display.attach(host.current);
    const stop = listen(stage.current, display, () => latest.current);
    props.onDisplay?.(display);
    return () => {
      stop();
      detach();
    };
  }, [display]);
  useLayoutEffect(() => display.update(frame, view, { onView, onDrawn, onViewport }, size));

  const ask = useCallback((/** @type {View} */ patch) => display.ask(patch), [display]);
  const kind = frame?.kind ?? "u";
  const channels = frame?.channels ?? 1;
  // Frames come many times per second; the toolbar does not depend on them.
  const controls = useMemo(
    () => html`<${Controls} display=${display} settings=${settings} ask=${ask} modes=${modes} voice=${voice}
      kind=${kind} channels=${channels} label=${label} root=${root} />`,
    [display, settings, modes, voice, kind, channels, label],
  );
  const parts = useMemo(
    () => html`<${Readout} display=${display} voice=${voice} />
      <${Levels} display=${display} />
      <${RoiTable} display=${display} mode=${modes} />`,
    [display, modes, voice],
  );
  return html`<section class="image-view" aria-label=${label} ref=${root}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => pressed(event, display, modes)}>
    ${controls}
    <${Problem} frame=${frame} />
    <div class="image-body" data-profiles=${settings.profiles}>
      <div class="image-stage" ref=${stage} tabindex="0" role="application" aria-label=${describe(label, frame)}
        aria-roledescription="image" data-roi=${modes.roi} data-zoomed=${settings.zoom !== null}>
        <div class="image-host" ref=${host}></div>
        <${Overlay} display=${display} roi=${modes.roi} selected=${modes.selected}
          crosshair=${settings.profiles || voice} />
        ${!frame && html`<div class="empty">No image yet</div>`}
      </div>
      ${settings.profiles && html`<${Profile} display=${display} direction="column" />
        <${Profile} display=${display} direction="row" />`}
    </div>
    ${parts}
  </section>`;
}

/** Return modes that are not part of the address. */
function useModes() {
  const [roi, setRoi] = useState(false);
  const [selected, select] = useState(0);
  const [voice, setVoice] = useState(false);
  const modes = useMemo(
    () => ({
      roi,
      selected,
      select,
      toggleRoi: () => setRoi((/** @type {boolean} */ on) => !on),
      toggleVoice: () => setVoice((/** @type {boolean} */ on) => !on),
    }),
    [roi, selected],
  );
  return { modes, voice };
}

/** @param {{frame: Frame | null}} props */
function Problem({ frame }) {
  const text = frame ? fault(frame) : null;
  return text && html`<p class="error" role="alert">${text}</p>`;
}

/** @param {string} label @param {Frame | null} frame */
function describe(label, frame) {
  if (!frame) return label;
  return `${label}, ${frame.fullHeight} rows, ${frame.fullWidth} columns. Arrow keys pan, plus and minus zoom.`;
}
