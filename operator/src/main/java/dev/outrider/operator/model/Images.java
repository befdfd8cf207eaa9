package dev.outrider.operator.model;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * The images that pods are made of, from the environment: {@code OUTRIDER_IMAGE_AGENTS} and one
 * {@code OUTRIDER_IMAGE_POSTGRES_<major>} for each major version.
 *
 * @param agents the image of all agents
 * @param postgres the images of PostgreSQL by major version
 */
public record Images(String agents, Map<Integer, String> postgres) {
  private static final String AGENTS = "OUTRIDER_IMAGE_AGENTS";
  private static final String POSTGRES = "OUTRIDER_IMAGE_POSTGRES_";
  private static final String VERSION = "0.1.0";

  /** The operator's own image, where no other is named. */
  public static final String DEFAULT_OPERATOR = "localhost:5000/outrider/operator:" + VERSION;

  public Images {
    postgres = Map.copyOf(postgres);
  }

  /** Images named in the environment; those that are not named have their default name. */
  public static Images from(Map<String, String> environment) {
    Map<Integer, String> postgres = new TreeMap<>();
    for (int major : new int[] {17, 18}) {
      postgres.put(
          major,
          environment.getOrDefault(
              POSTGRES + major, "localhost:5000/outrider/postgres:" + major + "-" + VERSION));
    }
    return new Images(
        environment.getOrDefault(AGENTS, "localhost:5000/outrider/agents:" + VERSION), postgres);
  }

  /** The same as environment variables, for the operator's Deployment. */
  public Map<String, String> environment() {
    Map<String, String> environment = new LinkedHashMap<>();
    environment.put(AGENTS, agents);
    new TreeMap<>(postgres).forEach((major, image) -> environment.put(POSTGRES + major, image));
    return environment;
  }
}
