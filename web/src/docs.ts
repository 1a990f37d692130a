/** The page of the API's documentation: Swagger UI over what the gateway serves. */
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";

SwaggerUI({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  // No stranger's server is told what is looked at here.
  validatorUrl: null,
});
