import { checkKey } from '@berth/auth';

checkKey();
