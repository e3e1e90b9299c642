export const probe = async () => (await import('undici')).request('https://router');
