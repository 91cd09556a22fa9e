"""From the environment to a running web process: the application factory that every service's app.py calls."""

from chassis import logging, tracing
from chassis.config import SPARE_THREADS, SettingsError, exit_with
from chassis.db.session import Database
from chassis.service import Service
from chassis.web.application import ServiceApplication

REQUIRED = ("jwks_url", "cursor_secret")


def create_application(service: Service) -> ServiceApplication:
    """Read the settings, check that the database role cannot bypass row-level security, build the application.

    Leaves the process with EX_CONFIG when settings are missing. Raises BypassError.
    """
    try:
        settings = service.settings.from_environment(required=(*REQUIRED, *service.required))
    except SettingsError as error:
        exit_with(error)
    logging.configure(service.name, settings.log_level)
    tracing.start(service.name, settings.service_version, settings.otel_exporter_otlp_endpoint)
    pool_size = settings.web_threads + SPARE_THREADS
    database = Database(settings.database_url, pool_size=pool_size, application_name=f"{service.name}-web")
    database.refuse_bypass()
    return ServiceApplication(service, settings, database, tenant_places=max(settings.web_threads - 1, 1))
