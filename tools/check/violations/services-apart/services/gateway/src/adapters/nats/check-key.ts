import { checkKey } from '@berth/auth';

export const check = checkKey;
