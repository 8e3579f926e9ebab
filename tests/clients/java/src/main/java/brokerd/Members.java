package brokerd;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.core.SdkField;
import software.amazon.awssdk.core.SdkPojo;
import software.amazon.awssdk.core.protocol.MarshallingType;
import software.amazon.awssdk.core.traits.ListTrait;
import software.amazon.awssdk.core.traits.MapTrait;
import software.amazon.awssdk.core.util.SdkAutoConstructList;
import software.amazon.awssdk.core.util.SdkAutoConstructMap;
import software.amazon.awssdk.utils.builder.Buildable;

/** The members of the SDK's structures, as JSON and back, by what the structures tell of themselves. */
final class Members {
  private Members() {}

  /** A member that this edition of the SDK has not got. */
  static final class UnknownMember extends RuntimeException {
    UnknownMember(String name) {
      super("no member " + name);
    }
  }

  static Object built(SdkPojo builder, JsonObject members) {
    for (var member : members.entrySet()) {
      var field =
          builder.sdkFields().stream()
              .filter(known -> known.memberName().equals(member.getKey()))
              .findFirst()
              .orElseThrow(() -> new UnknownMember(member.getKey()));
      field.set(builder, value(field, member.getValue()));
    }
    return ((Buildable) builder).build();
  }

  private static Object value(SdkField<?> field, JsonElement given) {
    MarshallingType<?> type = field.marshallingType();
    if (type == MarshallingType.SDK_POJO) {
      return built(field.constructor().get(), given.getAsJsonObject());
    } else if (type == MarshallingType.LIST) {
      var item = field.getTrait(ListTrait.class).memberFieldInfo();
      var values = new ArrayList<>();
      given.getAsJsonArray().forEach(element -> values.add(value(item, element)));
      return values;
    } else if (type == MarshallingType.MAP) {
      var item = field.getTrait(MapTrait.class).valueFieldInfo();
      var values = new LinkedHashMap<String, Object>();
      given.getAsJsonObject().entrySet().forEach(e -> values.put(e.getKey(), value(item, e.getValue())));
      return values;
    } else if (type == MarshallingType.INTEGER) {
      return given.getAsInt();
    } else if (type == MarshallingType.BOOLEAN) {
      return given.getAsBoolean();
    } else if (type == MarshallingType.DOUBLE) {
      return given.getAsDouble();
    } else if (type == MarshallingType.INSTANT) {
      return Instant.parse(given.getAsString());
    } else if (type == MarshallingType.STRING) {
      return given.getAsString();
    }
    throw new IllegalStateException(field.memberName() + " is of a type the model of the service has not had so far");
  }

  static JsonObject plain(SdkPojo structure) {
    var members = new JsonObject();
    for (SdkField<?> field : structure.sdkFields()) {
      var value = field.getValueOrDefault(structure);
      var isAbsent =
          value == null || value instanceof SdkAutoConstructList || value instanceof SdkAutoConstructMap;
      if (!isAbsent) {
        members.add(field.memberName(), plain(value));
      }
    }
    return members;
  }

  private static JsonElement plain(Object value) {
    if (value instanceof SdkPojo structure) {
      return plain(structure);
    } else if (value instanceof List<?> list) {
      var items = new JsonArray();
      list.forEach(item -> items.add(plain(item)));
      return items;
    } else if (value instanceof Map<?, ?> map) {
      var entries = new JsonObject();
      map.forEach((name, item) -> entries.add((String) name, plain(item)));
      return entries;
    } else if (value instanceof Boolean bool) {
      return new JsonPrimitive(bool);
    } else if (value instanceof Number number) {
      return new JsonPrimitive(number);
    }
    return new JsonPrimitive(value.toString());
  }
}
