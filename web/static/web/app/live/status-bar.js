// @ts-check
// The status of a stream in one line, with controls to pause, step and seek.
import { html, useState } from "../../vendor/preact.js";
import { formatAge, formatNumber, formatRate } from "../format.js";
import { icon } from "../../icons/icons.js";

const STATES = {
  connecting: ["Connecting", ""],
  live: ["Live", "ok"],
  reconnecting: ["Reconnecting", "warn"],
  paused: ["Paused", "accent"],
  ended: ["Stream ended", ""],
  refused: ["No stream", "danger"],
};

/** @param {{live: any}} props */
export function StatusBar({ live }) {
  const [text, kind] = STATES[/** @type {keyof typeof STATES} */ (live.state)] ?? STATES.connecting;
  const idle = live.head === null || live.head === 0;
  return html`<div class="status-bar" role="group" aria-label="Stream">
    <span class=${`chip ${kind}`} role="status"><span class=${`dot ${live.state}`} aria-hidden="true"></span>${text}</span>
    ${live.error && html`<span class="muted truncate" title=${live.error}>${live.error}</span>`}
    ${live.loggedOut && html`<a class="btn" href=${document.body.dataset.loginUrl ?? "/ui/login"}>Log in</a>`}
    ${live.state !== "refused" && html`<${TimeControls} live=${live} idle=${idle} />`}
    ${!idle && html`<${Counts} live=${live} />`}
  </div>`;
}

/** @param {{live: any, idle: boolean}} props */
function TimeControls({ live, idle }) {
  const [dragged, setDragged] = useState(/** @type {number | null} */ (null));
  const head = live.head ?? 1;
  const shown = dragged ?? live.sequence ?? head;
  return html`<div class="group">
      <button class="btn icon" title="Previous update (,)" aria-label="Previous update" disabled=${idle} onClick=${() => live.step(-1)}>${icon("previous")}</button>
      ${
        live.paused
          ? html`<button class="btn icon" title="Resume (space)" aria-label="Resume" aria-pressed="true" onClick=${live.resume}>${icon("play")}</button>`
          : html`<button class="btn icon" title="Pause (space)" aria-label="Pause" disabled=${idle} onClick=${live.pause}>${icon("pause")}</button>`
      }
      <button class="btn icon" title="Next update (.)" aria-label="Next update" disabled=${idle || !live.paused} onClick=${() => live.step(1)}>${icon("next")}</button>
    </div>
    <input class="scrub" type="range" min=${Math.min(live.oldest ?? 1, shown)} max=${Math.max(head, 1)} step="1" value=${shown} disabled=${idle}
      aria-label="Update shown" aria-valuetext=${`update ${shown} of ${head}`}
      onInput=${(/** @type {any} */ e) => setDragged(Number(e.target.value))}
      onChange=${(/** @type {any} */ e) => {
        setDragged(null);
        live.seek(Number(e.target.value));
      }} />`;
}

/** @param {{live: any}} props */
function Counts({ live }) {
  const items = [
    ["update", `${formatNumber(live.sequence ?? 0)} / ${formatNumber(live.head ?? 0)}`, "The update shown, and the newest one of the stream"],
    ["in", `${formatRate(live.received)}/s`, "Updates received per second"],
    ["drawn", `${formatRate(live.drawn)}/s`, "Updates drawn per second"],
    ["age", live.paused ? "–" : formatAge(live.age), "Time from the arrival of the update at the server to its drawing here, by the server's clock"],
    ["skipped", formatNumber(live.skipped), "Updates that the server skipped because newer ones were available"],
  ];
  if (live.gaps) items.push(["gaps", formatNumber(live.gaps), "Gaps: updates that expired, or were evicted for lack of memory, before they could be sent"]);
  if (live.resets) items.push(["resets", formatNumber(live.resets), "Resets: the numbering of the stream began again"]);
  return html`<dl class="counts num">
    ${items.map(([name, value, title]) => html`<div key=${name} title=${title} data-count=${name} class=${name === "gaps" || name === "resets" ? "warned" : ""}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}
