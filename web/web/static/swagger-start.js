// The page of the API: nothing is asked of another origin, and a token is kept no longer than the page.
// The document is handed over as an object, made for this page (web/reference.py).
const reference = document.getElementById("reference");

// Swagger UI goes from the page's heading to those of tags, two levels lower, has parts that are no landmark, and lets
// one choose among one server.
const readable = () => ({
  wrapComponents: {
    operations: (Operations, { React }) => (properties) =>
      React.createElement(
        React.Fragment,
        null,
        React.createElement("h2", { className: "operations-heading" }, "Operations"),
        React.createElement(Operations, properties),
      ),
    InfoContainer: (Info, { React }) => (properties) =>
      React.createElement("section", { "aria-label": "About" }, React.createElement(Info, properties)),
    FilterContainer: (Filter, { React }) => (properties) =>
      React.createElement("section", { role: "search" }, React.createElement(Filter, properties)),
    ServersContainer: () => () => null,
  },
});

fetch(reference.dataset.document)
  .then((answer) => answer.json())
  .then((spec) =>
    SwaggerUIBundle({
      spec,
      domNode: reference,
      plugins: [readable],
      deepLinking: true,
      docExpansion: "none",
      filter: true,
      validatorUrl: null,
      persistAuthorization: false,
      showExtensions: true,
      defaultModelsExpandDepth: -1,
    }),
  );
