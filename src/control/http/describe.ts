import { z } from 'zod';
import { errorSchema } from './schemas.js';

/** What the description of the interface says of one address. */
export interface RouteDescription {
  method: 'GET' | 'POST';
  /** With parameters as `:name`. */
  path: string;
  summary: string;
  query?: z.ZodObject;
  params?: z.ZodObject;
  body?: z.ZodType;
  /** By status; text when it is no JSON. */
  answers: Readonly<Record<number, { what: string; schema: z.ZodType | 'text' }>>;
}

const refusals = {
  400: 'The request is not understood',
  401: 'The token is missing or wrong',
  403: 'Refused, whoever asks',
  421: 'Called by a name that is not its own',
  429: 'Too many requests',
} as const;

type Json = Record<string, unknown>;

/** The schemas with a name of their own are kept in one place and referred to. */
class Components {
  readonly schemas: Json = {};

  /** JSON Schema of what is sent (`output`) or accepted (`input`). */
  of(schema: z.ZodType, io: 'input' | 'output'): Json {
    const made = z.toJSONSchema(schema, {
      target: 'draft-2020-12',
      io,
      reused: 'inline',
    }) as Json;
    const { $schema: _, $defs, ...own } = made;
    for (const [id, one] of Object.entries(($defs ?? {}) as Json)) this.keep(id, one as Json);
    const { id } = own as { id?: string };
    if (id === undefined) return this.relink(own);
    this.keep(id, own);
    return { $ref: `#/components/schemas/${id}` };
  }

  private keep(id: string, schema: Json): void {
    const { id: _, $id: __, ...rest } = schema;
    this.schemas[id] = this.relink(rest);
  }

  private relink(value: Json): Json {
    const text = JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/');
    return JSON.parse(text) as Json;
  }
}

function parametersOf(route: RouteDescription, components: Components): Json[] {
  const each = (shape: z.ZodObject | undefined, place: 'query' | 'path') =>
    Object.entries(shape?.shape ?? {}).map(([name, schema]) => ({
      name,
      in: place,
      required: place === 'path' || !(schema as z.ZodType).safeParse(undefined).success,
      schema: components.of(schema as z.ZodType, 'input'),
    }));
  return [...each(route.params, 'path'), ...each(route.query, 'query')];
}

function operationOf(route: RouteDescription, components: Components): Json {
  const error = { 'application/json': { schema: components.of(errorSchema, 'output') } };
  const responses: Json = {};
  for (const [status, what] of Object.entries(refusals)) {
    responses[status] = { description: what, content: error };
  }
  for (const [status, { what, schema }] of Object.entries(route.answers)) {
    const content =
      schema === 'text'
        ? { 'text/plain': { schema: { type: 'string' } } }
        : { 'application/json': { schema: components.of(schema, 'output') } };
    responses[status] = { description: what, content };
  }
  const parameters = parametersOf(route, components);
  return {
    summary: route.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(route.body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: components.of(route.body, 'input') } },
      },
    }),
    responses,
  };
}

/** The description of the whole interface, OpenAPI 3.1, made from the schemas that validate it. */
export function describeInterface(routes: readonly RouteDescription[], version: string): Json {
  const components = new Components();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operationOf(route, components);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tenuto',
      version,
      description:
        'State, commands and metrics of a running engine. The WebSocket is at /api/v1/ws.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    security: [{}, { token: [] }],
  };
}
