/** The page of the HTTP contract: Swagger UI over our own document, which asks this server and nobody else. */

interface SwaggerUi {
  (options: Readonly<Record<string, unknown>>): unknown;
  readonly presets: { readonly apis: unknown };
}

declare const SwaggerUIBundle: SwaggerUi;

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#contract",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  // No foreign host is told of this server.
  validatorUrl: null,
});
