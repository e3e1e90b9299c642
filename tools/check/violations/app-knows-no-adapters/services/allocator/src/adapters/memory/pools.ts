export const pools: string[] = [];
