// Who may import whom. To break a rule on purpose, change this file, so that the reviewer sees it.

import type { SourceTree } from './source-tree.ts';
import { declaredDependencies, libsOnlyListed, noCycles, noDeepImports } from './structural-rules.ts';

export interface Violation {
  readonly path: string;
  readonly line: number;
  /** What was found, such as `imports npm:pg`. */
  readonly found: string;
}

/** A rule that looks at the whole tree. */
export interface StructuralRule {
  readonly name: string;
  /** One sentence: what goes wrong without it. */
  readonly why: string;
  readonly find: (tree: SourceTree) => Violation[];
}

/**
 * A rule about what files of some places may import. Patterns are globs over the targets that source-tree.ts describes;
 * `$package` stands for the folder of the importing file's package; the target `process.env` is the environment.
 */
export interface ImportRule {
  readonly name: string;
  readonly why: string;
  /** Files the rule is about. */
  readonly from: readonly string[];
  /** Files it is not about. Test files are named by the word `tests`. */
  readonly except?: readonly string[];
  /** What they may not import … */
  readonly mayNot?: readonly string[];
  /** … or the only things that they may. */
  readonly mayOnly?: readonly string[];
}

/** Parts of Node that compute and touch nothing outside the process. */
const pureNode = ['node:buffer', 'node:crypto', 'node:net', 'node:util', 'node:zlib'];

export const importRules: readonly ImportRule[] = [
  {
    name: 'services-apart',
    why: 'Services meet over NATS and gRPC only, so that each can be deployed, scaled and changed by itself.',
    from: ['services/**'],
    mayNot: ['services/**', '!$package/**', '!$package'],
  },
  {
    name: 'domain-is-pure',
    why: 'The rules of the domain decide without I/O, so that they can be tested without anything running.',
    from: ['services/*/src/domain/**'],
    except: ['tests'],
    mayOnly: ['$package/src/domain/**', 'libs/errors', 'libs/contracts', ...pureNode],
  },
  {
    name: 'app-knows-no-adapters',
    why: 'Use cases name what they need as interfaces; which database or bus serves them is decided in main.ts.',
    from: ['services/*/src/app/**'],
    except: ['tests'],
    mayOnly: [
      ...['$package/src/domain/**', '$package/src/app/**', 'libs/errors', 'libs/contracts', 'libs/saga'],
      ...[...pureNode, 'node:events', 'node:timers', 'node:timers/promises', 'npm:@opentelemetry/api'],
    ],
  },
  {
    name: 'nats-in-messaging',
    why: 'Acknowledgement, redelivery and the quirks of old NATS servers are settled once, in libs/messaging.',
    from: ['**'],
    except: ['libs/messaging/**', 'libs/testing/**', 'tests', 'test/**'], // tests play other services, and wipe the bus
    mayNot: ['npm:@nats-io/*', 'npm:nats'],
  },
  {
    name: 'database-in-adapters',
    why: 'SQL and entities stay where the ports to the database are implemented, so that rules can be read without them.',
    from: ['**'],
    except: ['libs/database/**', 'services/*/src/adapters/postgres/**', 'libs/testing/**', 'deploy/local/**', 'tests'],
    mayNot: ['npm:@mikro-orm/*', 'npm:pg'],
  },
  {
    name: 'router-calls-in-vyos-adapter',
    why: 'One place calls routers, so that nothing gets past the lease, the fence and the breaker.',
    from: ['services/**', 'libs/**'],
    except: [
      ...['services/vyos-driver/src/adapters/vyos/**', 'services/gateway/src/adapters/http/**'],
      ...['libs/service-kit/src/health-server.ts', 'libs/testing/**', 'tests'],
      'services/auth/src/adapters/providers/**', // asks identity providers, which are no routers
    ],
    mayNot: ['npm:opossum', 'npm:undici', 'node:http', 'node:https'],
  },
  {
    name: 'http-framework-at-the-edge',
    why: 'Only the way in over HTTP knows fastify; everything behind it works the same for gRPC, NATS and MCP.',
    from: ['**'],
    except: ['services/gateway/src/adapters/**', 'services/gateway/src/main.ts', 'libs/service-kit/**', 'tests'],
    mayNot: ['npm:fastify', 'npm:@fastify/*', '!npm:@fastify/busboy'],
  },
  {
    name: 'grpc-at-the-edge',
    why: 'Only adapters speak gRPC; use cases are the same for every way in.',
    from: ['services/**', 'libs/**'],
    except: ['services/*/src/adapters/grpc/**', 'tests'],
    mayNot: ['npm:@grpc/*', 'npm:grpc-health-check'],
  },
  {
    name: 'environment-read-once',
    why: 'Settings are read in config.ts, which names every wrong one at the start instead of failing later.',
    from: ['services/**', 'libs/**', 'test/**'],
    except: [
      ...['**/config.ts', '**/main.ts', 'libs/service-kit/src/run-service.ts', 'tests', 'libs/testing/**'],
      'libs/local-servers/src/nats-server.ts', // PATH, to find the program
    ],
    mayNot: ['process.env'],
  },
  {
    name: 'libs-below-services',
    why: 'A library that knows its users cannot be used by anybody else.',
    from: ['libs/**'],
    mayNot: ['services/**', 'deploy/**', 'test/**', 'tools/**'],
  },
  {
    name: 'tests-from-outside',
    why: 'Whole-system tests use the public API only, so that they hold whatever is rebuilt inside.',
    from: ['test/**'],
    except: ['test/soak/**'],
    mayNot: ['services/**'],
  },
  {
    name: 'soak-starts-services',
    why: 'The soak gives the services a clock of its own, so it starts them in its process; nothing else of them is its business.',
    from: ['test/soak/**'],
    mayNot: ['services/**', '!services/allocator', '!services/vyos-driver'],
  },
  {
    name: 'test-code-in-tests',
    why: 'What starts servers, plays the router or invents data has no place in a running service.',
    from: ['**'],
    except: ['tests', 'test/**', 'libs/testing/**', 'libs/saga/src/standard-tests.ts', 'tools/test.ts'],
    mayNot: ['libs/testing', 'test/**', 'npm:fast-check', 'npm:testcontainers', 'node:test', 'node:assert/strict'],
  },
];

export const structuralRules: readonly StructuralRule[] = [
  {
    name: 'libs-import-listed-libs',
    why: 'Which library builds on which is decided in a table, so that they do not grow into one lump.',
    find: libsOnlyListed({
      access: ['contracts', 'errors', 'messaging'],
      contracts: ['errors'],
      database: ['errors', 'service-kit'],
      errors: [],
      'local-servers': [],
      messaging: ['contracts', 'database', 'errors', 'service-kit'],
      saga: ['errors'],
      'service-kit': ['errors'],
      testing: ['local-servers'],
      vault: ['errors', 'service-kit'],
    }),
  },
  {
    name: 'no-deep-imports',
    why: 'A package is used by its name, so that its inside can change without looking at its users.',
    find: noDeepImports,
  },
  {
    name: 'declared-dependencies',
    why: 'What a package imports but does not declare is there by accident and missing in its container image.',
    find: declaredDependencies,
  },
  {
    name: 'no-cycles',
    why: 'Files that import each other in a circle cannot be understood, tested or loaded one without the other.',
    find: noCycles,
  },
];
