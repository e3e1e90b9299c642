import { startGateway } from '@berth/gateway';

startGateway();
