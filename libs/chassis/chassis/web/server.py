"""From the environment to a running web process: the application factory that every service's app.py calls."""

from chassis import logging, tracing
from chassis.config import SPARE_THREADS, SettingsError, exit_with
from chassis.db.session import Database
from chassis.service import Service
from chassis.web.application import ServiceApplication

REQUIRED = ("jwks_url", "cursor_secret")


def create_application(service: Service) -> ServiceApplication:
    """Read the settings and build the application; no thread and no connection is made before `begin`.

    Leaves the process with EX_CONFIG when settings are missing.
    """
    try:
        settings = service.settings.from_environment(required=(*REQUIRED, *service.required))
    except SettingsError as error:
        exit_with(error)
    logging.configure(service.name, settings.log_level)
    pool_size = settings.web_threads + SPARE_THREADS
    database = Database(settings.database_url, pool_size=pool_size, application_name=f"{service.name}-web")
    return ServiceApplication(service, settings, database, threads=settings.web_threads)


def begin(application: ServiceApplication) -> None:
    """Make ready to answer in this process: check that the database role cannot bypass row-level security.

    Raises BypassError.
    """
    settings = application.config["SETTINGS"]
    tracing.start(application.service.name, settings.service_version, settings.otel_exporter_otlp_endpoint)
    application.database.refuse_bypass()
