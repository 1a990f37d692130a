declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  /** Draws the page; the options are those of Swagger UI's documentation. */
  export default function SwaggerUI(options: Record<string, unknown>): unknown;
}
