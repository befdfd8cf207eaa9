package dev.outrider.operator.reconcile;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Server-side apply that writes only when there is something to write, and never to an object of
 * somebody else.
 *
 * <p>After each apply it keeps two things: what was asked for, and what the server made of exactly
 * those fields. As long as the same is asked for and those fields stand as they were left, there is
 * nothing to do; fields that others add beside ours do not matter. So defaults and normal forms of
 * the server (1024Mi becomes 1Gi) need no knowledge here. After a restart everything is applied
 * once, which changes nothing.
 */
final class Applier {
  static final String FIELD_MANAGER = "outrider-operator";

  private static final PatchContext APPLY =
      new PatchContext.Builder()
          .withPatchType(PatchType.SERVER_SIDE_APPLY)
          .withFieldManager(FIELD_MANAGER)
          .withForce(true)
          .build();

  private final KubernetesClient client;
  // The client's own: another mapper would keep all it learns of a hundred types once more.
  private final KubernetesSerialization json;
  private final Map<String, Left> left = new ConcurrentHashMap<>();

  /** How an object was left: what was asked for, and what the server made of it. */
  private record Left(int asked, int made) {}

  Applier(KubernetesClient client) {
    this.client = client;
    this.json = client.getKubernetesSerialization();
  }

  /**
   * Applies an object.
   *
   * @param desired with all fields that are ours
   * @param cached as it was last seen, or null; then it is looked for, since caches hold labelled
   *     objects only
   * @param ours whether an existing object belongs to the cluster
   * @return the object as it is now
   * @throws ForeignObjectException if it exists and is not ours
   */
  <T extends HasMetadata> T apply(T desired, @Nullable T cached, Predicate<HasMetadata> ours) {
    return apply(desired, client.resource(desired), cached, ours);
  }

  /** The same where it is said how to reach the object, whose kind the client does not know. */
  <T extends HasMetadata> T apply(
      T desired, Resource<T> at, @Nullable T cached, Predicate<HasMetadata> ours) {
    T actual = cached != null ? cached : at.get();
    if (actual != null && !ours.test(actual)) {
      throw new ForeignObjectException(actual);
    }
    JsonNode wanted = tree(desired);
    String key = key(desired);
    int asked = wanted.hashCode();
    Left before = left.get(key);
    if (actual != null
        && before != null
        && before.asked() == asked
        && before.made() == project(tree(actual), wanted).hashCode()) {
      return actual;
    }
    T made = at.patch(APPLY, desired);
    left.put(key, new Left(asked, project(tree(made), wanted).hashCode()));
    return made;
  }

  private JsonNode tree(HasMetadata object) {
    return json.convertValue(object, JsonNode.class);
  }

  private static String key(HasMetadata object) {
    return object.getKind()
        + "/"
        + object.getMetadata().getNamespace()
        + "/"
        + object.getMetadata().getName();
  }

  /** The part of {@code actual} that has the shape of {@code wanted}. */
  private static JsonNode project(JsonNode actual, JsonNode wanted) {
    if (wanted instanceof ObjectNode object && actual instanceof ObjectNode there) {
      ObjectNode part = JsonNodeFactory.instance.objectNode();
      object
          .properties()
          .forEach(
              field -> {
                JsonNode value = there.get(field.getKey());
                part.set(
                    field.getKey(),
                    value == null
                        ? JsonNodeFactory.instance.missingNode()
                        : project(value, field.getValue()));
              });
      return part;
    }
    if (wanted instanceof ArrayNode list
        && actual instanceof ArrayNode there
        && list.size() == there.size()) {
      ArrayNode part = JsonNodeFactory.instance.arrayNode();
      for (int i = 0; i < list.size(); i++) {
        part.add(project(there.get(i), list.get(i)));
      }
      return part;
    }
    return actual;
  }
}
