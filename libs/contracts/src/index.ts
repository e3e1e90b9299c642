export {
  type AuditAuthor,
  type AuditedChange,
  type AuditedState,
  authorOf,
  berthItself,
  differences,
  traceOfRequest,
} from './audit.ts';
export {
  type AuditAction,
  type AuditActorKind,
  type AuditedType,
  type AuditResourceType,
  auditedVerbs,
  typeOfAction,
} from './audit-actions.ts';
export { weaknessOfSecret } from './chosen-secret.ts';
export { fromErrorMessage, toErrorMessage } from './error.ts';
export * from './gen/berth/allocator/v1/adoption_service_pb.js';
export * from './gen/berth/allocator/v1/backup_service_pb.js';
export * from './gen/berth/allocator/v1/drift_acceptance_pb.js';
export * from './gen/berth/allocator/v1/operation_pb.js';
export * from './gen/berth/allocator/v1/plan_service_pb.js';
export * from './gen/berth/allocator/v1/pool_pb.js';
export * from './gen/berth/allocator/v1/pool_service_pb.js';
export * from './gen/berth/allocator/v1/router_use_service_pb.js';
export * from './gen/berth/allocator/v1/vm_pb.js';
export * from './gen/berth/allocator/v1/vm_service_pb.js';
export * from './gen/berth/auth/v1/access_pb.js';
export * from './gen/berth/auth/v1/account_service_pb.js';
export * from './gen/berth/auth/v1/audit_service_pb.js';
export * from './gen/berth/auth/v1/auth_service_pb.js';
export * from './gen/berth/auth/v1/group_service_pb.js';
export * from './gen/berth/auth/v1/identity_service_pb.js';
export * from './gen/berth/auth/v1/limit_service_pb.js';
export * from './gen/berth/auth/v1/mail_service_pb.js';
export * from './gen/berth/auth/v1/session_service_pb.js';
export * from './gen/berth/auth/v1/signing_key_service_pb.js';
export * from './gen/berth/auth/v1/user_admin_service_pb.js';
export * from './gen/berth/common/v1/command_pb.js';
export {
  type Error as ErrorMessage,
  ErrorSchema,
  type FieldError as FieldErrorMessage,
} from './gen/berth/common/v1/error_pb.js';
export * from './gen/berth/driver/v1/adoption_service_pb.js';
export * from './gen/berth/driver/v1/commit_pb.js';
export * from './gen/berth/driver/v1/config_pb.js';
export * from './gen/berth/driver/v1/drift_service_pb.js';
export * from './gen/berth/driver/v1/file_service_pb.js';
export * from './gen/berth/driver/v1/history_service_pb.js';
export * from './gen/berth/driver/v1/plan_service_pb.js';
export * from './gen/berth/driver/v1/queue_service_pb.js';
export * from './gen/berth/driver/v1/router_admin_service_pb.js';
export * from './gen/berth/driver/v1/router_change_pb.js';
export * from './gen/berth/driver/v1/router_pb.js';
export * from './gen/berth/driver/v1/router_service_pb.js';
export * from './gen/berth/events/v1/events_pb.js';
export {
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from './gen/google/rpc/error_details_pb.js';
export { StatusSchema } from './gen/google/rpc/status_pb.js';
export { Health as HealthService } from './gen/grpc/health/v1/health_pb.js';
export {
  type Grant,
  type GroupPolicy,
  grantsOf,
  groupsWhere,
  homeGroupOf,
  isMaker,
  isPermissionText,
  narrowed,
  notForYou,
  type PermissionLevel,
  type PermissionVerb,
  type Permitted,
  permissionsOf,
  permissionVerbs,
  permits,
  permitsEverywhere,
  permitsFor,
  permitsForAll,
  requireEverywhere,
  requirePermission,
  standing,
  standingAmong,
} from './permissions.ts';
export { type StreamContract, streams, subjectOfMethod, subjects } from './subjects.ts';
