// One call of a C++ function: its arguments on standard input as JSON, its result on descriptor 3. The types of the
// arguments are those that the function declares. No expected value is here, ever.
// Stands behind <bits/stdc++.h>, which is precompiled only where it comes first.
#pragma once
#include <unistd.h>

namespace touchstone {

struct Value {
    enum Kind { null, boolean, integer, real, text, list, object } kind = null;
    bool truth = false;
    long long whole = 0;
    unsigned long long magnitude = 0;
    bool negative = false, wide = false;
    double number = 0;
    std::string word;
    std::vector<Value> items;
    std::vector<std::string> keys;
};

struct Mismatch : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

class Reader {
    const char *at, *end;
    void blank() { while (at < end && std::isspace(static_cast<unsigned char>(*at))) ++at; }
    bool take(char wanted) {
        blank();
        if (at < end && *at == wanted) { ++at; return true; }
        return false;
    }
    void demand(char wanted) { if (!take(wanted)) throw Mismatch("the arguments are no JSON"); }
    bool word(const char *wanted) {
        std::size_t size = std::strlen(wanted);
        if (static_cast<std::size_t>(end - at) < size || std::strncmp(at, wanted, size)) return false;
        at += size;
        return true;
    }
    unsigned four() {
        unsigned code = 0;
        for (int i = 0; i < 4; i++, at++) code = code * 16 + (std::isdigit(*at) ? *at - '0' : (*at | 32) - 'a' + 10);
        return code;
    }
    static void utf8(std::string &out, unsigned code) {
        if (code < 0x80) out += char(code);
        else if (code < 0x800) { out += char(0xC0 | code >> 6); out += char(0x80 | (code & 63)); }
        else if (code < 0x10000) {
            out += char(0xE0 | code >> 12); out += char(0x80 | (code >> 6 & 63)); out += char(0x80 | (code & 63));
        } else {
            out += char(0xF0 | code >> 18); out += char(0x80 | (code >> 12 & 63));
            out += char(0x80 | (code >> 6 & 63)); out += char(0x80 | (code & 63));
        }
    }
    std::string string() {
        std::string out;
        while (at < end && *at != '"') {
            if (*at != '\\') { out += *at++; continue; }
            char escape = *++at;
            ++at;
            switch (escape) {
                case 'n': out += '\n'; break;
                case 't': out += '\t'; break;
                case 'r': out += '\r'; break;
                case 'b': out += '\b'; break;
                case 'f': out += '\f'; break;
                case 'u': {
                    unsigned code = four();
                    if (code >= 0xD800 && code < 0xDC00 && at + 1 < end && at[0] == '\\' && at[1] == 'u') {
                        at += 2;
                        code = 0x10000 + ((code - 0xD800) << 10) + (four() - 0xDC00);
                    }
                    utf8(out, code);
                    break;
                }
                default: out += escape;
            }
        }
        demand('"');
        return out;
    }
    Value number() {
        const char *start = at;
        bool whole = true;
        for (; at < end && (std::isalnum(static_cast<unsigned char>(*at)) || std::strchr("+-.", *at)); ++at)
            whole = whole && (std::isdigit(static_cast<unsigned char>(*at)) || *at == '-');
        std::string digits(start, at);
        Value value;
        value.number = std::stod(digits);
        value.kind = whole ? Value::integer : Value::real;
        if (whole) {
            errno = 0;
            value.negative = digits[0] == '-';
            value.magnitude = std::strtoull(digits.c_str() + value.negative, nullptr, 10);
            value.wide = errno == ERANGE;
        }
        return value;
    }
    static Value tagged(Value value) {
        if (value.keys.size() != 1 || value.keys[0].compare(0, 2, "__")) return value;
        Value inner = value.items[0];
        const std::string &tag = value.keys[0];
        if (tag == "__int__") {
            Value whole;
            whole.kind = Value::integer;
            whole.negative = inner.word[0] == '-';
            errno = 0;
            whole.magnitude = std::strtoull(inner.word.c_str() + whole.negative, nullptr, 16);
            whole.wide = errno == ERANGE;
            whole.number = (whole.negative ? -1.0 : 1.0) * std::strtod(inner.word.c_str() + whole.negative, nullptr);
            return whole;
        }
        if (tag == "__float__") {
            Value real;
            real.kind = Value::real;
            real.number = std::stod(inner.word);
            return real;
        }
        if (tag == "__tuple__" || tag == "__dict__") {
            if (tag == "__dict__") inner.keys.assign(1, "");  // pairs, for maps whose keys are no texts
            return inner;
        }
        throw Mismatch("an argument is no value of C++: " + tag);
    }

  public:
    explicit Reader(const std::string &source) : at(source.data()), end(at + source.size()) {}
    Value value() {
        blank();
        Value out;
        if (take('"')) { out.kind = Value::text; out.word = string(); return out; }
        if (take('[')) {
            out.kind = Value::list;
            if (take(']')) return out;
            do out.items.push_back(value()); while (take(','));
            demand(']');
            return out;
        }
        if (take('{')) {
            out.kind = Value::object;
            if (take('}')) return out;
            do {
                demand('"');
                out.keys.push_back(string());
                demand(':');
                out.items.push_back(value());
            } while (take(','));
            demand('}');
            return tagged(std::move(out));
        }
        if (word("null")) return out;
        out.kind = Value::boolean;
        if (word("true")) { out.truth = true; return out; }
        if (word("false")) return out;
        return number();
    }
};

// --- arguments ---------------------------------------------------------------------------------------------------

template <class T> struct From;  // a parameter of another type is none that a test can have

inline void demand(const Value &value, Value::Kind kind, const char *what) {
    if (value.kind != kind) throw Mismatch(std::string("an argument is no ") + what);
}
template <class T> requires std::is_same_v<T, bool> struct From<T> {
    static T of(const Value &value) { demand(value, Value::boolean, "bool"); return value.truth; }
};
template <class T> requires std::is_same_v<T, char> struct From<T> {
    static T of(const Value &value) {
        demand(value, Value::text, "char");
        if (value.word.size() != 1) throw Mismatch("an argument is no char");
        return value.word[0];
    }
};
template <class T> requires(std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>) struct From<T> {
    static T of(const Value &value) {
        demand(value, Value::integer, "integer");
        unsigned long long most = static_cast<unsigned long long>(std::numeric_limits<T>::max());
        if (value.negative && std::is_signed_v<T>) most++;
        if (value.wide || value.magnitude > most || (value.negative && value.magnitude && std::is_unsigned_v<T>))
            throw Mismatch("an argument does not fit into the integer that the function takes");
        return static_cast<T>(value.negative ? 0 - value.magnitude : value.magnitude);
    }
};
template <class T> requires std::is_floating_point_v<T> struct From<T> {
    static T of(const Value &value) {
        if (value.kind != Value::integer && value.kind != Value::real) throw Mismatch("an argument is no number");
        return static_cast<T>(value.number);
    }
};
template <> struct From<std::string> {
    static std::string of(const Value &value) { demand(value, Value::text, "string"); return value.word; }
};
template <class T, class A> struct From<std::vector<T, A>> {
    static std::vector<T, A> of(const Value &value) {
        demand(value, Value::list, "vector");
        std::vector<T, A> out;
        for (const Value &item : value.items) out.push_back(From<T>::of(item));
        return out;
    }
};
template <class C> concept Sequence = requires(C c, typename C::value_type v) { c.insert(c.end(), v); } &&
    !requires { typename C::mapped_type; } && !std::is_same_v<C, std::string>;
template <Sequence C> struct From<C> {
    static C of(const Value &value) {
        demand(value, Value::list, "list");
        C out;
        for (const Value &item : value.items) out.insert(out.end(), From<typename C::value_type>::of(item));
        return out;
    }
};
template <class C> concept Mapping = requires { typename C::mapped_type; typename C::key_type; };
template <Mapping C> struct From<C> {
    static C of(const Value &value) {
        C out;
        if (value.kind == Value::list && (value.items.empty() || !value.keys.empty())) {
            for (const Value &pair : value.items)
                out.emplace(From<typename C::key_type>::of(pair.items.at(0)), From<typename C::mapped_type>::of(pair.items.at(1)));
            return out;
        }
        demand(value, Value::object, "map");
        for (std::size_t i = 0; i < value.keys.size(); i++) {
            Value key;
            key.kind = Value::text;
            key.word = value.keys[i];
            out.emplace(From<typename C::key_type>::of(key), From<typename C::mapped_type>::of(value.items[i]));
        }
        return out;
    }
};
template <class A, class B> struct From<std::pair<A, B>> {
    static std::pair<A, B> of(const Value &value) {
        demand(value, Value::list, "pair");
        if (value.items.size() != 2) throw Mismatch("an argument is no pair");
        return {From<std::remove_cv_t<A>>::of(value.items[0]), From<B>::of(value.items[1])};
    }
};
template <class... T> struct From<std::tuple<T...>> {
    static std::tuple<T...> of(const Value &value) {
        demand(value, Value::list, "tuple");
        if (value.items.size() != sizeof...(T)) throw Mismatch("an argument is no tuple of that size");
        std::size_t place = 0;
        return std::tuple<T...>{From<T>::of(value.items[place++])...};
    }
};
template <class T, std::size_t N> struct From<std::array<T, N>> {
    static std::array<T, N> of(const Value &value) {
        demand(value, Value::list, "array");
        if (value.items.size() != N) throw Mismatch("an argument is no array of that size");
        std::array<T, N> out;
        for (std::size_t i = 0; i < N; i++) out[i] = From<T>::of(value.items[i]);
        return out;
    }
};
template <class T> struct From<std::optional<T>> {
    static std::optional<T> of(const Value &value) {
        if (value.kind == Value::null) return std::nullopt;
        return From<T>::of(value);
    }
};

// --- results -----------------------------------------------------------------------------------------------------

inline void send(std::string &out, bool value) { out += value ? "true" : "false"; }
inline void send(std::string &out, const std::string &value) {
    static const char digits[] = "0123456789abcdef";
    out += '"';
    for (unsigned char c : value) {
        if (c == '"' || c == '\\') { out += '\\'; out += char(c); }
        else if (c < 0x20) { out += "\\u00"; out += digits[c >> 4]; out += digits[c & 15]; }
        else out += char(c);
    }
    out += '"';
}
inline void send(std::string &out, std::string_view value) { send(out, std::string(value)); }
inline void send(std::string &out, const char *value) { send(out, std::string(value)); }
inline void send(std::string &out, char value) { send(out, std::string(1, value)); }
template <class T> requires std::is_floating_point_v<T> void send(std::string &out, T value) {
    if (std::isnan(value)) out += "{\"__float__\": \"nan\"}";
    else if (std::isinf(value)) out += value > 0 ? "{\"__float__\": \"inf\"}" : "{\"__float__\": \"-inf\"}";
    else {
        char digits[64];
        std::snprintf(digits, sizeof digits, "%.17g", static_cast<double>(value));
        out += digits;
        if (!std::strpbrk(digits, ".en")) out += ".0";
    }
}
template <class T> requires(std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>)
void send(std::string &out, T value) { out += std::to_string(value); }
inline void wide(std::string &out, unsigned __int128 value, bool negative) {
    std::string digits;
    do digits += "0123456789abcdef"[static_cast<int>(value % 16)]; while (value /= 16);
    out += negative ? "{\"__int__\": \"-0x" : "{\"__int__\": \"0x";
    out.append(digits.rbegin(), digits.rend());
    out += "\"}";
}
template <class T> struct To;
template <class T> concept Plain = requires(std::string &out, const T &value) { touchstone::send(out, value); };
template <class T> void item(std::string &out, const T &value) {
    if constexpr (std::is_same_v<T, __int128>) wide(out, value < 0 ? 0 - (unsigned __int128)value : value, value < 0);
    else if constexpr (std::is_same_v<T, unsigned __int128>) wide(out, value, false);
    else if constexpr (Plain<T>) send(out, value);
    else To<T>::send(out, value);
}
template <class C> void listed(std::string &out, const C &values) {
    out += '[';
    bool more = false;
    for (const auto &value : values) {
        if (more) out += ", ";
        more = true;
        item<typename C::value_type>(out, value);
    }
    out += ']';
}
template <class C> concept Set = requires { typename C::key_type; } && !Mapping<C>;
template <class C> concept Range = requires(const C &c) { c.begin(); c.end(); typename C::value_type; } && !Mapping<C> && !Set<C>;
template <Range C> struct To<C> { static void send(std::string &out, const C &values) { listed(out, values); } };
template <Set C> struct To<C> {
    static void send(std::string &out, const C &values) { out += "{\"__set__\": "; listed(out, values); out += '}'; }
};
template <Mapping C> struct To<C> {
    static void send(std::string &out, const C &values) {
        out += "{\"__dict__\": [";
        bool more = false;
        for (const auto &[key, value] : values) {
            out += more ? ", [" : "[";
            more = true;
            item(out, key);
            out += ", ";
            item(out, value);
            out += ']';
        }
        out += "]}";
    }
};
template <class... T> void fixed(std::string &out, const T &...values) {
    out += "{\"__tuple__\": [";
    bool more = false;
    ((out += more ? ", " : "", more = true, item(out, values)), ...);
    out += "]}";
}
template <class A, class B> struct To<std::pair<A, B>> {
    static void send(std::string &out, const std::pair<A, B> &value) { fixed(out, value.first, value.second); }
};
template <class... T> struct To<std::tuple<T...>> {
    static void send(std::string &out, const std::tuple<T...> &value) {
        std::apply([&](const T &...values) { fixed(out, values...); }, value);
    }
};
template <class T> struct To<std::optional<T>> {
    static void send(std::string &out, const std::optional<T> &value) {
        if (value) item(out, *value); else out += "null";
    }
};

// --- the call ----------------------------------------------------------------------------------------------------

template <class T> using Kept = std::conditional_t<
    std::is_same_v<std::remove_cvref_t<T>, std::string_view> || std::is_same_v<std::remove_cvref_t<T>, const char *>,
    std::string, std::remove_cvref_t<T>>;
template <class P> decltype(auto) passed(Kept<P> &value) {
    if constexpr (std::is_same_v<std::remove_cvref_t<P>, const char *>) return value.c_str();
    else if constexpr (std::is_same_v<std::remove_cvref_t<P>, std::string_view>) return std::string_view(value);
    else return static_cast<P>(value);
}
template <class... P> std::tuple<Kept<P>...> arguments() {
    std::string source(std::istreambuf_iterator<char>(std::cin), {});
    Value call = Reader(source).value();
    std::size_t place = std::find(call.keys.begin(), call.keys.end(), "args") - call.keys.begin();
    const std::vector<Value> &given = call.items.at(place).items;
    if (given.size() != sizeof...(P)) throw Mismatch("the function takes another number of arguments");
    std::size_t next = 0;
    return std::tuple<Kept<P>...>{From<Kept<P>>::of(given[next++])...};
}
inline void out(const std::string &text) {
    std::cout.flush();
    for (std::size_t sent = 0; sent < text.size();) {
        ssize_t count = ::write(3, text.data() + sent, text.size() - sent);
        if (count <= 0) std::_Exit(1);
        sent += count;
    }
}
template <class R, class... P, class Call> int called(Call call) {
    auto values = arguments<P...>();
    std::string text;
    auto whole = [&](auto &...kept) -> R { return call(passed<P>(kept)...); };
    if constexpr (std::is_void_v<R>) { std::apply(whole, values); text = "null"; }
    else { auto &&result = std::apply(whole, values); item<std::remove_cvref_t<R>>(text, result); }
    out(text);
    return 0;
}
template <class R, class... P> int call(R (*function)(P...)) { return called<R, P...>(function); }
template <class R, class C, class... P> int call(R (C::*method)(P...)) {
    C owner{};
    return called<R, P...>([&](auto &&...values) -> R { return (owner.*method)(std::forward<decltype(values)>(values)...); });
}
template <class R, class C, class... P> int call(R (C::*method)(P...) const) {
    C owner{};
    return called<R, P...>([&](auto &&...values) -> R { return (owner.*method)(std::forward<decltype(values)>(values)...); });
}

}  // namespace touchstone
