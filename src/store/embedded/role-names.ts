/** Made by `initdb`. It makes the other role and its database, and takes backups; nothing is served through it. */
export const superuser = "whispr";
/** Owns the database and its tables, and may do nothing outside of it. All that is served, read and migrated goes through it. */
export const applicationRole = "whispr_app";
export const databaseName = "whispr";
/** PostgreSQL's own, in which the application's role can make nothing: what the superuser runs there is what it says. */
export const maintenanceDatabase = "postgres";
