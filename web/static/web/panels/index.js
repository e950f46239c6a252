// @ts-check
// Choose the panel of a node by its family and data type. Panels are loaded when needed.
import { html, useEffect, useState } from "../vendor/preact.js";
import { ContainerOverview } from "../app/panes/container-overview.js";

const NUMBERS = "buifc";

const ArrayPanel = lazy(async () => (await import("./array-panel.js")).ArrayPanel);
const AwkwardPanel = lazy(async () => (await import("./awkward-panel.js")).AwkwardPanel);
const FallbackPanel = lazy(async () => (await import("./fallback.js")).FallbackPanel);
const LinePanel = lazy(async () => (await import("./line-panel.js")).LinePanel);
const RaggedPanel = lazy(async () => (await import("./ragged-panel.js")).RaggedPanel);
const SparsePanel = lazy(async () => (await import("./sparse-panel.js")).SparsePanel);
const TablePanel = lazy(async () => (await import("./table-panel.js")).TablePanel);
const ValuePanel = lazy(async () => (await import("./value-panel.js")).ValuePanel);

/**
 * Return the component that shows a node.
 * @param {any} info
 * @returns {any}
 */
export function panelFor(info) {
  const { family, structure } = info;
  if (family === "container") return ContainerOverview;
  if (family === "table") return TablePanel;
  if (family === "sparse") return SparsePanel;
  if (family === "ragged") return RaggedPanel;
  if (family === "awkward") return AwkwardPanel;
  const type = structure?.data_type;
  if (!type || type.fields || !NUMBERS.includes(type.kind)) return FallbackPanel;
  if (!structure.shape.length) return ValuePanel;
  return structure.shape.length === 1 ? LinePanel : ArrayPanel;
}

/**
 * Return a component whose module is loaded when it is first shown.
 * @param {() => Promise<any>} load
 */
function lazy(load) {
  /** @type {any} */
  let Loaded = null;
  return function LazyPanel(/** @type {any} */ props) {
    const [, setState] = useState(0);
    const [failure, setFailure] = useState(/** @type {any} */ (null));
    const Shown = Loaded;
    useEffect(() => {
      // Not `Loaded`: it may have been loaded for another pane since this one was rendered.
      if (Shown) return;
      load()
        .then((component) => {
          Loaded = component;
          setState(1);
        })
        .catch(setFailure);
    }, []);
    if (failure) throw failure;
    if (!Shown) return html`<div class="empty"><span class="spinner" role="status" aria-label="Loading"></span></div>`;
    return html`<${Shown} ...${props} />`;
  };
}
