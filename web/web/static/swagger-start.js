// The page of the API: nothing is asked of another origin, and a token is kept no longer than the page.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
  persistAuthorization: false,
  showExtensions: true,
  defaultModelsExpandDepth: 0,
});
