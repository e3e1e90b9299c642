export { publish } from '@berth/messaging';
