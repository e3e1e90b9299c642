const { env } = process;

export const timeoutMs = Number(env['TIMEOUT']);
