export * from '@berth/auth';
