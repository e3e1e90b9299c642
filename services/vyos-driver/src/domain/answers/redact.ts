const longest = 2_000;

/**
 * `text` from a router, fit to be stored, logged and shown: without the secrets in any of the forms in which a router echoes them, without
 * the request bodies that its validation errors repeat, and at most 2,000 characters long.
 */
export function redact(text: string, secrets: readonly string[]): string {
  // pydantic puts the whole request, key included, behind 'input'.
  let clean = text.replace(/(['"]input['"]\s*:)[\s\S]*$/, '$1 (left out)');
  for (const form of secrets.flatMap(formsOf)) clean = clean.replaceAll(form, '***');
  return clean.length > longest ? `${clean.slice(0, longest - 1)}…` : clean;
}

/** A secret as it is, inside JSON, inside HTML, as Python writes it, and inside an address. */
function formsOf(secret: string): string[] {
  if (secret === '') return [];
  const html = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const json = JSON.stringify(secret).slice(1, -1);
  const python = secret.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  const forms = [secret, html, json, python, encodeURIComponent(secret)];
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}
