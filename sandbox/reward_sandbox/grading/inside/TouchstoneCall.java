
/** One call: its arguments on standard input, its result on standard output, which is descriptor 3. No expected value is here. */
final class TouchstoneCall {
    private final String text;
    private int at = 0;

    private TouchstoneCall(String text) { this.text = text; }

    public static void main(String[] words) throws Throwable {
        java.io.PrintStream out = System.out;
        System.setOut(System.err);
        byte[] input = System.in.readAllBytes();
        System.setIn(new java.io.ByteArrayInputStream(new byte[0]));
        java.util.Map<?, ?> call =
            (java.util.Map<?, ?>) new TouchstoneCall(new String(input, java.nio.charset.StandardCharsets.UTF_8)).value();
        java.util.List<?> given = (java.util.List<?>) call.get("args");
        java.lang.reflect.Method method = found(words, given.size());
        Object[] arguments = new Object[given.size()];
        java.lang.reflect.Type[] types = method.getGenericParameterTypes();
        for (int i = 0; i < arguments.length; i++) arguments[i] = as(given.get(i), types[i]);
        Object owner = null;
        if (!java.lang.reflect.Modifier.isStatic(method.getModifiers())) {
            java.lang.reflect.Constructor<?> made = method.getDeclaringClass().getDeclaredConstructor();
            made.setAccessible(true);
            owner = made.newInstance();
        }
        Object result;
        try {
            result = method.invoke(owner, arguments);
        } catch (java.lang.reflect.InvocationTargetException error) {
            throw error.getCause();
        }
        StringBuilder text = new StringBuilder();
        send(text, result, 0);
        System.err.flush();
        out.write(text.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8));
        out.flush();
        Runtime.getRuntime().halt(0);
    }

    /** The method of that name in the first class that has one; by the number of its parameters, where there are several. */
    private static java.lang.reflect.Method found(String[] words, int count) throws ReflectiveOperationException {
        java.lang.reflect.Method named = null;
        for (int i = 1; i < words.length; i++)
            for (java.lang.reflect.Method method : Class.forName(words[i]).getDeclaredMethods()) {
                if (!method.getName().equals(words[0]) || method.isSynthetic()) continue;
                if (named == null || (named.getParameterCount() != count && method.getParameterCount() == count)) named = method;
            }
        if (named == null) throw new NoSuchMethodException(words[0]);
        if (named.getParameterCount() != count) throw new IllegalArgumentException("another number of arguments");
        named.setAccessible(true);
        return named;
    }

    // --- JSON, and Java's values ---------------------------------------------------------------------------------

    private void blank() { while (at < text.length() && text.charAt(at) <= ' ') at++; }

    private boolean take(char wanted) {
        blank();
        if (at < text.length() && text.charAt(at) == wanted) { at++; return true; }
        return false;
    }

    private Object value() {
        blank();
        if (take('"')) return string();
        if (take('[')) {
            java.util.List<Object> items = new java.util.ArrayList<>();
            if (take(']')) return items;
            do items.add(value()); while (take(','));
            take(']');
            return items;
        }
        if (take('{')) {
            java.util.Map<String, Object> items = new java.util.LinkedHashMap<>();
            if (take('}')) return items;
            do {
                take('"');
                String key = string();
                take(':');
                items.put(key, value());
            } while (take(','));
            take('}');
            return tagged(items);
        }
        int start = at;
        while (at < text.length() && ",]} \n".indexOf(text.charAt(at)) < 0) at++;
        String word = text.substring(start, at);
        switch (word) {
            case "null": return null;
            case "true": return true;
            case "false": return false;
        }
        if (word.matches("-?\\d{1,40}")) return new java.math.BigInteger(word);
        return Double.parseDouble(word);
    }

    private String string() {
        StringBuilder out = new StringBuilder();
        for (; text.charAt(at) != '"'; at++) {
            if (text.charAt(at) != '\\') { out.append(text.charAt(at)); continue; }
            char escape = text.charAt(++at);
            int place = "nrtbf".indexOf(escape);
            if (escape == 'u') { out.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16)); at += 4; }
            else out.append(place < 0 ? escape : "\n\r\t\b\f".charAt(place));
        }
        at++;
        return out.toString();
    }

    private static Object tagged(java.util.Map<String, Object> items) {
        String tag = items.keySet().iterator().next();
        if (items.size() != 1 || !tag.startsWith("__")) return items;
        Object inner = items.get(tag);
        switch (tag) {
            case "__int__":
                String digits = (String) inner;
                boolean negative = digits.startsWith("-");
                java.math.BigInteger whole = new java.math.BigInteger(digits.substring(negative ? 3 : 2), 16);
                return negative ? whole.negate() : whole;
            case "__float__": return Double.valueOf(((String) inner).replace("inf", "Infinity").replace("nan", "NaN"));
            case "__tuple__": return inner;
            case "__dict__":
                java.util.Map<Object, Object> pairs = new java.util.LinkedHashMap<>();
                for (Object pair : (java.util.List<?>) inner)
                    pairs.put(((java.util.List<?>) pair).get(0), ((java.util.List<?>) pair).get(1));
                return pairs;
            default: throw new IllegalArgumentException("no value of Java: " + tag);
        }
    }

    private static IllegalArgumentException mismatch(Object value, java.lang.reflect.Type type) {
        return new IllegalArgumentException("an argument is no " + type.getTypeName());
    }

    private static Object as(Object value, java.lang.reflect.Type type) throws ReflectiveOperationException {
        if (type instanceof java.lang.reflect.GenericArrayType)
            return array(value, ((java.lang.reflect.GenericArrayType) type).getGenericComponentType(), type);
        if (type instanceof java.lang.reflect.ParameterizedType) {
            java.lang.reflect.ParameterizedType whole = (java.lang.reflect.ParameterizedType) type;
            return collected(value, (Class<?>) whole.getRawType(), whole.getActualTypeArguments(), type);
        }
        if (!(type instanceof Class)) return plain(value);
        Class<?> kind = (Class<?>) type;
        if (kind.isArray()) return array(value, kind.getComponentType(), type);
        if (kind == Object.class) return plain(value);
        if (kind == boolean.class || kind == Boolean.class) return demanded(value, Boolean.class, type);
        if (kind == char.class || kind == Character.class) {
            if (!(value instanceof String) || ((String) value).length() != 1) throw mismatch(value, type);
            return ((String) value).charAt(0);
        }
        if (kind == String.class || kind == CharSequence.class) return demanded(value, String.class, type);
        if (value == null && !kind.isPrimitive()) return null;
        if (kind == double.class || kind == Double.class) return number(value, type).doubleValue();
        if (kind == float.class || kind == Float.class) return number(value, type).floatValue();
        if (kind == java.math.BigDecimal.class) return new java.math.BigDecimal(number(value, type).toString());
        if (value instanceof java.math.BigInteger) {
            java.math.BigInteger whole = (java.math.BigInteger) value;
            if (kind == java.math.BigInteger.class) return whole;
            if (kind == int.class || kind == Integer.class) return whole.intValueExact();
            if (kind == long.class || kind == Long.class) return whole.longValueExact();
            if (kind == short.class || kind == Short.class) return whole.shortValueExact();
            if (kind == byte.class || kind == Byte.class) return whole.byteValueExact();
            if (kind == Number.class) return plain(value);
        }
        return collected(value, kind, new java.lang.reflect.Type[] {Object.class, Object.class}, type);
    }

    private static Number number(Object value, java.lang.reflect.Type type) {
        if (!(value instanceof Number)) throw mismatch(value, type);
        return (Number) value;
    }

    private static Object demanded(Object value, Class<?> kind, java.lang.reflect.Type type) {
        if (value != null && !kind.isInstance(value)) throw mismatch(value, type);
        return value;
    }

    private static Object array(Object value, java.lang.reflect.Type part, java.lang.reflect.Type type)
            throws ReflectiveOperationException {
        if (value == null) return null;
        if (part == char.class && value instanceof String) return ((String) value).toCharArray();
        if (!(value instanceof java.util.List)) throw mismatch(value, type);
        java.util.List<?> items = (java.util.List<?>) value;
        Object out = java.lang.reflect.Array.newInstance(raw(part), items.size());
        for (int i = 0; i < items.size(); i++) java.lang.reflect.Array.set(out, i, as(items.get(i), part));
        return out;
    }

    private static Class<?> raw(java.lang.reflect.Type type) {
        if (type instanceof Class) return (Class<?>) type;
        if (type instanceof java.lang.reflect.ParameterizedType)
            return (Class<?>) ((java.lang.reflect.ParameterizedType) type).getRawType();
        if (type instanceof java.lang.reflect.GenericArrayType) {
            Class<?> part = raw(((java.lang.reflect.GenericArrayType) type).getGenericComponentType());
            return java.lang.reflect.Array.newInstance(part, 0).getClass();
        }
        return Object.class;
    }

    @SuppressWarnings("unchecked")
    private static Object collected(
            Object value, Class<?> kind, java.lang.reflect.Type[] parts, java.lang.reflect.Type type)
            throws ReflectiveOperationException {
        if (java.util.Map.class.isAssignableFrom(kind)) {
            if (!(value instanceof java.util.Map)) throw mismatch(value, type);
            java.util.Map<Object, Object> out = (java.util.Map<Object, Object>) made(kind, java.util.LinkedHashMap.class, java.util.TreeMap.class);
            for (java.util.Map.Entry<?, ?> entry : ((java.util.Map<?, ?>) value).entrySet())
                out.put(as(entry.getKey(), parts[0]), as(entry.getValue(), parts[1]));
            return out;
        }
        if (!(value instanceof java.util.List)) throw mismatch(value, type);
        java.util.Collection<Object> out = (java.util.Collection<Object>) made(
            kind, java.util.ArrayList.class, java.util.LinkedHashSet.class, java.util.ArrayDeque.class, java.util.TreeSet.class);
        for (Object item : (java.util.List<?>) value) out.add(as(item, parts[0]));
        return out;
    }

    private static Object made(Class<?> kind, Class<?>... usual) throws ReflectiveOperationException {
        if (!kind.isInterface()) return kind.getDeclaredConstructor().newInstance();
        for (Class<?> choice : usual)
            if (kind.isAssignableFrom(choice)) return choice.getDeclaredConstructor().newInstance();
        throw new IllegalArgumentException("an argument cannot be a " + kind.getName());
    }

    private static Object plain(Object value) {
        if (value instanceof java.math.BigInteger) {
            java.math.BigInteger whole = (java.math.BigInteger) value;
            if (whole.bitLength() < 32) return whole.intValue();
            return whole.bitLength() < 64 ? (Object) whole.longValue() : whole;
        }
        if (value instanceof java.util.List) {
            java.util.List<Object> out = new java.util.ArrayList<>();
            for (Object item : (java.util.List<?>) value) out.add(plain(item));
            return out;
        }
        return value;
    }

    // --- results ---------------------------------------------------------------------------------------------------

    private static void send(StringBuilder out, Object value, int depth) {
        if (depth > 200) throw new IllegalArgumentException("nested too deeply to be sent out");
        if (value instanceof java.util.Optional) value = ((java.util.Optional<?>) value).orElse(null);
        if (value == null || value instanceof Boolean) out.append(value);
        else if (value instanceof Integer || value instanceof Long || value instanceof Short || value instanceof Byte) out.append(value);
        else if (value instanceof java.math.BigInteger) {
            java.math.BigInteger whole = (java.math.BigInteger) value;
            out.append("{\"__int__\": \"").append(whole.signum() < 0 ? "-0x" : "0x").append(whole.abs().toString(16)).append("\"}");
        } else if (value instanceof Number) {
            double number = ((Number) value).doubleValue();
            if (Double.isNaN(number)) out.append("{\"__float__\": \"nan\"}");
            else if (Double.isInfinite(number)) out.append("{\"__float__\": \"").append(number > 0 ? "inf" : "-inf").append("\"}");
            else out.append(number);
        } else if (value instanceof CharSequence || value instanceof Character) quoted(out, value.toString());
        else if (value instanceof java.util.Map) {
            out.append("{\"__dict__\": [");
            String comma = "";
            for (java.util.Map.Entry<?, ?> entry : ((java.util.Map<?, ?>) value).entrySet()) {
                out.append(comma).append('[');
                send(out, entry.getKey(), depth + 1);
                out.append(", ");
                send(out, entry.getValue(), depth + 1);
                out.append(']');
                comma = ", ";
            }
            out.append("]}");
        } else if (value instanceof java.util.Set) {
            out.append("{\"__set__\": ");
            listed(out, (Iterable<?>) value, depth);
            out.append('}');
        } else if (value instanceof Iterable) listed(out, (Iterable<?>) value, depth);
        else if (value.getClass().isArray()) {
            java.util.List<Object> items = new java.util.ArrayList<>();
            for (int i = 0; i < java.lang.reflect.Array.getLength(value); i++) items.add(java.lang.reflect.Array.get(value, i));
            listed(out, items, depth);
        } else throw new IllegalArgumentException("a " + value.getClass().getName() + " cannot be sent out");
    }

    private static void listed(StringBuilder out, Iterable<?> items, int depth) {
        String comma = "[";
        for (Object item : items) {
            out.append(comma);
            send(out, item, depth + 1);
            comma = ", ";
        }
        out.append(comma.equals("[") ? "[]" : "]");
    }

    private static void quoted(StringBuilder out, String text) {
        out.append('"');
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < 0x20) out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        out.append('"');
    }
}
