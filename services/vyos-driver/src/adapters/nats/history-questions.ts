import {
  type CommitKind,
  type CommitState,
  type ExplainLinesRequest,
  type ListCommitsRequest,
  type ListConfigOperationsRequest,
  type Moment as WireMoment,
  CommitPart as WirePart,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import type { LineQuestion } from '../../app/history/explain-lines.ts';
import type { CommitPart, Moment, OperationsQuestion } from '../../app/history/read-history.ts';
import { kindOnWire, stateOnWire } from '../postgres/history/commit-message.ts';
import type { CommitFilter } from '../postgres/history/postgres-commit-log.ts';

const invalid = (field: string, message: string) =>
  new DomainError('invalid', 'INVALID_REQUEST', `${field} ${message}.`, { fields: [{ field, message }] });

export const pageTokenInvalid = () =>
  new DomainError('invalid', 'PAGE_TOKEN_INVALID', 'That page token was not given out here.');

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Undefined when none is named. */
export function momentOf(moment: WireMoment | undefined, field: string): Moment | undefined {
  const { value } = moment ?? {};
  if (value?.case === undefined) return undefined;
  if (value.case === 'at') return { kind: 'time', at: timestampDate(value.value) };
  if (value.case === 'commitNumber') return { kind: 'number', number: value.value };
  if (!uuid.test(value.value)) throw invalid(field, 'is not the id of a commit');
  return { kind: 'id', id: value.value };
}

export function requiredMoment(moment: WireMoment | undefined, field: string): Moment {
  const read = momentOf(moment, field);
  if (read === undefined) throw invalid(field, 'is required');
  return read;
}

const parts: Record<WirePart, CommitPart | undefined> = {
  [WirePart.UNSPECIFIED]: undefined,
  [WirePart.SENT]: 'sent',
  [WirePart.CHANGES]: 'changes',
  [WirePart.INVERSE]: 'inverse',
  [WirePart.BEFORE]: 'before',
  [WirePart.AFTER]: 'after',
};

export function operationsQuestionOf({ question }: ListConfigOperationsRequest): OperationsQuestion {
  if (question.case === 'config') {
    const { at, ownedOnly } = question.value;
    return { kind: 'config', at: momentOf(at, 'at'), ownedOnly };
  }
  if (question.case === 'diff') {
    const { from, to, ownedOnly } = question.value;
    return { kind: 'diff', from: requiredMoment(from, 'from'), to: momentOf(to, 'to'), ownedOnly };
  }
  const part = question.case === 'commit' ? parts[question.value.part] : undefined;
  if (question.case !== 'commit' || part === undefined) throw invalid('question', 'is required');
  return { kind: 'commit', commit: requiredMoment(question.value.commit, 'commit'), part };
}

const namesOf = <Name extends string, Value>(onWire: Record<Name, Value>, values: readonly Value[]): Name[] =>
  (Object.keys(onWire) as Name[]).filter((name) => values.includes(onWire[name]));

const dateOf = (time: Timestamp | undefined) => time && timestampDate(time);

export function commitFilterOf(message: ListCommitsRequest): CommitFilter {
  const [since, until] = [dateOf(message.since), dateOf(message.until)];
  return {
    ...(since && { since }),
    ...(until && { until }),
    ...(message.resourceId !== '' && { resourceId: message.resourceId }),
    ...(message.principalAsked !== '' && { principal: message.principalAsked }),
    states: namesOf<keyof typeof stateOnWire, CommitState>(stateOnWire, message.states),
    kinds: namesOf<keyof typeof kindOnWire, CommitKind>(kindOnWire, message.kinds),
  };
}

/** Throws when nothing is asked, or something without what it goes with. */
export function lineQuestionOf(message: ExplainLinesRequest): LineQuestion {
  const { path, ruleNumber, port, protocol, externalIp, address, mappingName, macAddress } = message;
  if ((protocol !== '' || externalIp !== '') && port === 0) throw invalid('port', 'goes with protocol and external_ip');
  if (protocol !== '' && protocol !== 'tcp' && protocol !== 'udp') throw invalid('protocol', 'must be tcp or udp');
  if (port > 65_535) throw invalid('port', 'must be at most 65535');
  if (ruleNumber > 999_999) throw invalid('rule_number', 'must be at most 999999');
  const question: LineQuestion = {
    ...(path.length > 0 && { path }),
    ...(ruleNumber !== 0 && { ruleNumber }),
    ...(port !== 0 && { port }),
    ...(protocol !== '' && { protocol }),
    ...(externalIp !== '' && { externalIp }),
    ...(address !== '' && { address }),
    ...(mappingName !== '' && { mappingName }),
    ...(macAddress !== '' && { macAddress: macAddress.toLowerCase() }),
  };
  if (Object.keys(question).length === 0) throw invalid('path', 'is required, or another value to look for');
  return question;
}
