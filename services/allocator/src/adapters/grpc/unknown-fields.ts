import type { FieldError } from '@berth/errors';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';

/**
 * Fields of `message` that this version does not know, by path. They are refused rather than ignored: a caller that is newer than this
 * server must learn that what it asks for will not happen.
 */
export const unknownFields = <Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): FieldError[] =>
  unknownBelow(reflect(schema, message), '');

function unknownBelow(message: ReflectMessage, path: string): FieldError[] {
  const own = (message.getUnknown() ?? []).map(({ no }) => ({
    field: `${path}${no}`,
    message: 'is not known to this version',
  }));
  const inner = message.fields
    .filter((field) => message.isSet(field))
    .flatMap((field) => {
      const at = `${path}${field.name}`;
      if (field.fieldKind === 'message') return unknownBelow(message.get(field), `${at}.`);
      if (field.fieldKind !== 'list' || field.listKind !== 'message') return [];
      return [...message.get(field)].flatMap(
        (item, index) => unknownBelow(item as ReflectMessage, `${at}[${index}].`), // a list of messages holds nothing else
      );
    });
  return [...own, ...inner];
}
