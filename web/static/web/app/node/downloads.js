// @ts-check
// Links to the data in every format that the server offers for it.
import { html } from "../../vendor/preact.js";
import { usePage } from "../context.js";
import { icon } from "../../icons/icons.js";

/** Names of formats, by media type. @type {Record<string, string>} */
const NAMES = {
  "application/octet-stream": "Raw bytes",
  "application/json": "JSON",
  "application/json-seq": "JSON, a row per line",
  "text/csv": "CSV",
  "text/x-comma-separated-values": "",
  "text/plain": "Text",
  "application/vnd.ms-excel": "",
  "image/png": "PNG image",
  "image/tiff": "TIFF image",
  "text/html": "HTML",
  "application/x-hdf5": "HDF5",
  "application/x-npy": "NumPy",
  "application/vnd.apache.arrow.file": "Arrow",
  "application/x-parquet": "Parquet",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel",
  "application/zip": "Buffers, as ZIP",
  "application/x-xdi": "XDI",
  "application/x-netcdf": "NetCDF",
};

/**
 * Return what can be downloaded: name, media type and address.
 * @param {any} info
 * @param {any} about  the server's description of itself, with its export formats
 */
export function downloads(info, about) {
  const full = info.links?.full;
  if (!full) return [];
  const families = [info.family, ...(info.specs ?? []).map((/** @type {any} */ spec) => spec.name ?? spec)];
  /** @type {string[]} */
  const types = families.flatMap((family) => about?.formats?.[family] ?? []);
  const offered = [...new Set(types)].map((type) => ({ type, name: NAMES[type] ?? type }));
  return offered
    .filter(({ name }) => name)
    .map(({ type, name }) => {
      const url = new URL(full, window.location.href);
      url.searchParams.set("format", type);
      url.searchParams.set("filename", `${info.key || "data"}${EXTENSIONS[type] ?? ""}`);
      // Without the host: the session cookie is sent only to the host of the page.
      return { name, type, href: `${url.pathname}${url.search}` };
    });
}

/** @type {Record<string, string>} */
const EXTENSIONS = {
  "application/octet-stream": ".bin",
  "application/json": ".json",
  "application/json-seq": ".jsonl",
  "text/csv": ".csv",
  "text/plain": ".txt",
  "image/png": ".png",
  "image/tiff": ".tiff",
  "text/html": ".html",
  "application/x-hdf5": ".h5",
  "application/x-npy": ".npy",
  "application/vnd.apache.arrow.file": ".arrow",
  "application/x-parquet": ".parquet",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
  "application/zip": ".zip",
  "application/x-xdi": ".xdi",
};

/** @param {{info: any}} props */
export function Downloads({ info }) {
  const { about } = usePage();
  const found = downloads(info, about);
  if (!found.length) return html`<p class="muted">This node offers no downloads.</p>`;
  return html`<ul class="downloads">
    ${found.map(({ name, type, href }) => html`<li key=${type}><a class="btn" href=${href} download>${icon("download")}${name}</a><span class="muted mono">${type}</span></li>`)}
  </ul>`;
}
