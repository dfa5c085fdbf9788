/* What all applications are, whatever they are made with. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What a server of node:http calls; a promise of its own is nobody's business. */
export type Application = (req: IncomingMessage, res: ServerResponse) => unknown
