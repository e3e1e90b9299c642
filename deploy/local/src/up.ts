// `npm run up`: a whole system on this machine, until Ctrl-C. See arguments.ts for what it takes.
import { upCommand } from './up-command.ts';

process.exit(await upCommand(process.argv.slice(2)));
