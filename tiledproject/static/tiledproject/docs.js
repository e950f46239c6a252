// The page that shows the API. A key may be typed with or without its scheme, and an address
// keeps the slashes between its keys.
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
    const [path, query] = request.url.split(/\?(.*)/s);
    request.url = path.replaceAll("%2F", "/") + (query === undefined ? "" : `?${query}`);
    return request;
  },
});
