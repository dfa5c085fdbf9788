// Makes a checkout ready to run the project's own commands: the right Node, and everything installed.
// Plain JavaScript without dependencies, because it runs before there are any.

import { checkNode, install } from './setup.mjs'

checkNode()
process.exit(await install())
