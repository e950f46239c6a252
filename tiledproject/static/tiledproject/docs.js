// The page that shows the API. A key may be typed with or without its scheme, and an address
// keeps the slashes between its keys. Without a key a request has the session of the browser, with
// which writes have to repeat the token of the page.
const SAFE_METHODS = ["GET", "HEAD", "OPTIONS", "TRACE"];
const place = document.getElementById("api");

window.ui = SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  filter: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor: (request) => {
    const said = request.headers.Authorization;
    if (said && !/\s/.test(said.trim())) {
      request.headers.Authorization = `Apikey ${said.trim()}`;
    }
    const own = new URL(request.url, location.href).origin === location.origin;
    if (own && !said && !SAFE_METHODS.includes((request.method ?? "GET").toUpperCase())) {
      request.headers["X-CSRF"] = place.dataset.csrf;
    }
    const [path, query] = request.url.split(/\?(.*)/s);
    request.url = path.replaceAll("%2F", "/") + (query === undefined ? "" : `?${query}`);
    return request;
  },
});
