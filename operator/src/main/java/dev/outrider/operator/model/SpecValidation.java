package dev.outrider.operator.model;

import dev.outrider.agents.config.TracesConfig;
import dev.outrider.operator.api.OwnedParameters;
import dev.outrider.operator.api.PostgresClusterSpec;
import dev.outrider.operator.api.TracesSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What CEL in the CRD cannot check: it has no list of PostgreSQL's parameters. Nothing of a spec
 * that fails here is brought about.
 */
public final class SpecValidation {
  private static final String CONNECTIONS = "max_connections";
  private static final String RESERVED = "reserved_connections";
  private static final String SUPERUSER_RESERVED = "superuser_reserved_connections";

  private SpecValidation() {}

  /** Every error, in the order of the fields; empty for a good spec. */
  public static List<SpecError> check(PostgresClusterSpec spec) {
    List<SpecError> errors = new ArrayList<>();
    parameters(spec, errors);
    reservedConnections(spec, errors);
    if (spec.postgres() != null) {
      resources("spec.postgres.resources", spec.postgres().resources(), "128Mi", errors);
    }
    if (spec.proxy() != null) {
      resources("spec.proxy.resources", spec.proxy().resources(), "48Mi", errors);
      traces(spec.proxy().traces(), errors);
    }
    locale(spec, errors);
    labels(spec, errors);
    return errors;
  }

  private static void parameters(PostgresClusterSpec spec, List<SpecError> errors) {
    ParameterCatalog catalog = ParameterCatalog.of(Wanted.version(spec));
    Map<String, String> lowerCase = new HashMap<>();
    Wanted.userParameters(spec)
        .forEach(
            (name, value) -> {
              String field = "spec.postgres.parameters." + name;
              String other = lowerCase.put(name.toLowerCase(Locale.ROOT), name);
              if (other != null) {
                errors.add(
                    new SpecError(
                        field, "is the same parameter as " + other + "; allowed is one of them"));
              } else if (OwnedParameters.NAMES.contains(name.toLowerCase(Locale.ROOT))) {
                errors.add(new SpecError(field, OwnedParameters.refusal(name)));
              } else {
                catalog.check(name, value).ifPresent(p -> errors.add(new SpecError(field, p)));
              }
            });
  }

  /** PostgreSQL does not start when they leave none (documentation, "Connection Settings"). */
  private static void reservedConnections(PostgresClusterSpec spec, List<SpecError> errors) {
    Map<String, String> parameters = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    parameters.putAll(Wanted.userParameters(spec));
    if (!errors.isEmpty()
        || !(parameters.containsKey(RESERVED) || parameters.containsKey(SUPERUSER_RESERVED))) {
      return;
    }
    ParameterCatalog catalog = ParameterCatalog.of(Wanted.version(spec));
    long reserved = catalog.amount(RESERVED, parameters.getOrDefault(RESERVED, "0"));
    long superuser =
        catalog.amount(SUPERUSER_RESERVED, parameters.getOrDefault(SUPERUSER_RESERVED, "3"));
    String connections = Wanted.of(spec).parameters().getOrDefault(CONNECTIONS, "100");
    if (reserved + superuser >= catalog.amount(CONNECTIONS, connections)) {
      errors.add(
          new SpecError(
              "spec.postgres.parameters."
                  + (parameters.containsKey(SUPERUSER_RESERVED) ? SUPERUSER_RESERVED : RESERVED),
              SUPERUSER_RESERVED
                  + " "
                  + superuser
                  + " and "
                  + RESERVED
                  + " "
                  + reserved
                  + " leave no connection, and PostgreSQL would not start; allowed together is less"
                  + " than "
                  + CONNECTIONS
                  + " ("
                  + connections
                  + ")"));
    }
  }

  private static void resources(
      String field,
      @Nullable ResourceRequirements resources,
      String least,
      List<SpecError> errors) {
    if (resources == null) {
      return;
    }
    Map<String, Quantity> limits = Optional.ofNullable(resources.getLimits()).orElse(Map.of());
    Map<String, Quantity> requests = Optional.ofNullable(resources.getRequests()).orElse(Map.of());
    if (!areQuantities(field + ".limits.", limits, errors)
        || !areQuantities(field + ".requests.", requests, errors)) {
      return;
    }
    requests.forEach(
        (name, request) -> {
          Quantity limit = limits.get(name);
          if (limit != null && bytes(request).compareTo(bytes(limit)) > 0) {
            errors.add(
                new SpecError(
                    field + ".requests." + name,
                    request + " is more than the limit; allowed is " + limit + " or less"));
          }
        });
    Quantity memory = limits.get("memory");
    if (memory != null && bytes(memory).compareTo(bytes(new Quantity(least))) < 0) {
      errors.add(
          new SpecError(
              field + ".limits.memory",
              memory + " is too little to start with; allowed is " + least + " or more"));
    }
  }

  /** What Kubernetes takes for a URL may be none for the proxy. */
  private static void traces(@Nullable TracesSpec traces, List<SpecError> errors) {
    if (traces == null) {
      return;
    }
    try {
      TracesConfig.endpoint(traces.endpoint());
    } catch (IllegalArgumentException e) {
      errors.add(
          new SpecError(
              "spec.proxy.traces.endpoint",
              "\"" + traces.endpoint() + "\" cannot be used; allowed is " + e.getMessage()));
    }
  }

  /** The CRD takes any text here. */
  private static boolean areQuantities(
      String field, Map<String, Quantity> quantities, List<SpecError> errors) {
    int before = errors.size();
    quantities.forEach(
        (name, quantity) -> {
          try {
            bytes(quantity);
          } catch (IllegalArgumentException e) {
            errors.add(
                new SpecError(
                    field + name,
                    "\""
                        + quantity
                        + "\" is not a quantity; allowed is a number with or without a unit, such"
                        + " as 4Gi or 500m"));
          }
        });
    return errors.size() == before;
  }

  private static BigDecimal bytes(Quantity quantity) {
    return Quantity.getAmountInBytes(quantity);
  }

  private static void locale(PostgresClusterSpec spec, List<SpecError> errors) {
    if (spec.bootstrap() == null || spec.bootstrap().initdb() == null) {
      return;
    }
    Wanted.Initdb initdb = Wanted.of(spec).initdb();
    List<String> allowed =
        switch (initdb.localeProvider()) {
          case "builtin" ->
              Wanted.version(spec) >= 18
                  ? List.of("C", "C.UTF-8", "PG_UNICODE_FAST")
                  : List.of("C", "C.UTF-8");
          case "libc" -> List.of("C", "C.UTF-8", "POSIX");
          default -> List.of();
        };
    if (!allowed.isEmpty() && !allowed.contains(initdb.locale())) {
      errors.add(
          new SpecError(
              "spec.bootstrap.initdb.locale",
              "\""
                  + initdb.locale()
                  + "\" is not offered by the provider "
                  + initdb.localeProvider()
                  + "; allowed are "
                  + String.join(", ", allowed)));
    }
    if (initdb.localeProvider().equals("builtin")
        && !initdb.locale().equals("C")
        && !initdb.encoding().equalsIgnoreCase("UTF8")) {
      errors.add(
          new SpecError(
              "spec.bootstrap.initdb.encoding",
              "\""
                  + initdb.encoding()
                  + "\" does not go with the locale "
                  + initdb.locale()
                  + "; allowed is UTF8, or the locale C"));
    }
  }

  private static void labels(PostgresClusterSpec spec, List<SpecError> errors) {
    if (spec.pod() == null || spec.pod().labels() == null) {
      return;
    }
    spec.pod()
        .labels()
        .keySet()
        .forEach(
            name -> {
              if (name.startsWith("outrider.dev/") || name.startsWith("app.kubernetes.io/")) {
                errors.add(
                    new SpecError(
                        "spec.pod.labels." + name,
                        "is set by Outrider; allowed are names that do not begin with"
                            + " outrider.dev/ or app.kubernetes.io/"));
              }
            });
  }
}
