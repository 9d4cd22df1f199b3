// The interface that checkers and interactors of contests are written against, in our own words: streams of the test's
// input (inf), the program's output (ouf) and the right answer (ans); verdicts as exit codes 0 right, 1 wrong, 2 badly
// presented, 3 a fault of the checker or of the answer.
#pragma once
#include <bits/stdc++.h>

enum TResult { _ok = 0, _wa = 1, _pe = 2, _fail = 3, _points = 7, _dirt = 4, _unexpected_eof = 2, _partially = 16 };

namespace touchstone {
inline std::string formatted(const char* text, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    std::string out(std::vsnprintf(nullptr, 0, text, again) + 1, '\0');
    va_end(again);
    std::vsnprintf(out.data(), out.size(), text, arguments);
    out.pop_back();
    return out;
}
[[noreturn]] inline void leave(int code, const std::string& why) {
    std::cout.flush();
    std::fprintf(stderr, "%s\n", why.c_str());
    std::fflush(stderr);
    std::_Exit(code == _ok ? 0 : code == _wa ? 1 : code == _pe || code == _dirt ? 2 : 3);
}
}  // namespace touchstone

[[noreturn]] inline void quit(TResult result, const std::string& why = "") { touchstone::leave(result, why); }
[[noreturn]] inline void quitf(TResult result, const char* text, ...) {
    va_list arguments;
    va_start(arguments, text);
    touchstone::leave(result, touchstone::formatted(text, arguments));
}
// Points: all of them is right, fewer is wrong.
[[noreturn]] inline void quitp(double points, const std::string& why = "") {
    touchstone::leave(points >= 1 - 1e-9 ? _ok : _wa, why);
}
template <class... More>
[[noreturn]] inline void quitp(double points, const char*, More...) { quitp(points); }
[[noreturn]] inline void quitif(bool condition, TResult result, const char* text) {
    quit(condition ? result : _ok, text);
}
inline std::string format(const char* text, ...) {
    va_list arguments;
    va_start(arguments, text);
    std::string out = touchstone::formatted(text, arguments);
    va_end(arguments);
    return out;
}
template <class T>
inline std::string toString(const T& value) { std::ostringstream out; out << value; return out.str(); }
template <class T>
inline std::string vtos(const T& value) { return toString(value); }
inline std::string compress(const std::string& text) {
    return text.size() <= 64 ? text : text.substr(0, 30) + "..." + text.substr(text.size() - 31);
}
inline std::string upperCase(std::string text) { for (char& c : text) c = (char)std::toupper((unsigned char)c); return text; }
inline std::string lowerCase(std::string text) { for (char& c : text) c = (char)std::tolower((unsigned char)c); return text; }
inline std::string englishEnding(int n) {
    int last = n % 10;
    return n % 100 / 10 == 1 ? "th" : last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th";
}
inline bool isBlanks(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
inline bool isEof(int c) { return c == EOF; }
inline double doubleDelta(double expected, double got) {
    double absolute = std::fabs(got - expected);
    return std::fabs(expected) > 1e-9 ? std::min(absolute, absolute / std::fabs(expected)) : absolute;
}
inline bool doubleCompare(double expected, double got, double within) {
    if (std::isnan(expected)) return std::isnan(got);
    if (std::isinf(expected)) return expected == got;
    if (std::isnan(got) || std::isinf(got)) return false;
    if (std::fabs(got - expected) <= within + 1e-15) return true;
    double low = std::min(expected * (1 - within), expected * (1 + within));
    double high = std::max(expected * (1 - within), expected * (1 + within));
    return got + 1e-15 >= low && got <= high + 1e-15;
}

struct InStream {
    std::FILE* file = nullptr;
    TResult blamed = _fail;  // whose fault it is when this stream cannot be read

    [[noreturn]] void quit(TResult result, const std::string& why) {
        touchstone::leave(blamed == _fail && result != _ok ? _fail : result, why);
    }
    [[noreturn]] void quitf(TResult result, const char* text, ...) {
        va_list arguments;
        va_start(arguments, text);
        quit(result, touchstone::formatted(text, arguments));
    }
    void open(const char* path, TResult fault) {
        blamed = fault;
        file = std::fopen(path, "rb");
        if (!file) touchstone::leave(_fail, std::string("cannot open ") + path);
    }
    int curChar() { int c = std::getc(file); if (c != EOF) std::ungetc(c, file); return c; }
    int nextChar() { return std::getc(file); }
    char readChar() { int c = std::getc(file); if (c == EOF) quit(_pe, "unexpected end"); return (char)c; }
    char readChar(char wanted) { char c = readChar(); if (c != wanted) quit(_pe, "unexpected character"); return c; }
    void unreadChar(char c) { std::ungetc(c, file); }
    void skipChar() { readChar(); }
    void skipBlanks() { while (curChar() != EOF && isBlanks((char)curChar())) nextChar(); }
    bool eof() { return curChar() == EOF; }
    bool seekEof() { skipBlanks(); return eof(); }
    bool eoln() { int c = curChar(); return c == EOF || c == '\n' || c == '\r'; }
    bool seekEoln() { while (curChar() == ' ' || curChar() == '\t') nextChar(); return eoln(); }
    void nextLine() { readString(); }
    void readSpace() { readChar(' '); }
    void readEoln() { if (curChar() == '\r') nextChar(); readChar('\n'); }
    void readEof() { if (!eof()) quit(_pe, "expected the end"); }

    std::string readWord() {
        skipBlanks();
        std::string word;
        for (int c = curChar(); c != EOF && !isBlanks((char)c); c = curChar()) word += (char)nextChar();
        if (word.empty()) quit(_pe, "unexpected end");
        return word;
    }
    std::string readToken() { return readWord(); }
    void readWordTo(std::string& word) { word = readWord(); }
    void readTokenTo(std::string& word) { word = readWord(); }
    std::string readWord(const std::string& pattern, const std::string& = "") {
        std::string word = readWord();
        if (!std::regex_match(word, std::regex(pattern))) quit(_wa, "a token has another form");
        return word;
    }
    std::string readToken(const std::string& pattern, const std::string& = "") { return readWord(pattern); }
    std::string readString() {
        if (eof()) quit(_pe, "expected a line");
        std::string line;
        for (int c = nextChar(); c != EOF && c != '\n'; c = nextChar()) line += (char)c;
        if (!line.empty() && line.back() == '\r') line.pop_back();
        return line;
    }
    std::string readLine() { return readString(); }
    void readStringTo(std::string& line) { line = readString(); }
    void readLineTo(std::string& line) { line = readString(); }

    long long readLong() {
        std::string word = readWord();
        char* end = nullptr;
        errno = 0;
        long long value = std::strtoll(word.c_str(), &end, 10);
        bool is_plain = word[0] != '+' && !(word.size() > 1 && word[0] == '0') && word.substr(0, 2) != "-0";
        if (errno || *end || !is_plain) quit(_pe, "expected an integer, found " + compress(word));
        return value;
    }
    long long readLong(long long low, long long high, const std::string& name = "") {
        long long value = readLong();
        if (value < low || value > high) quit(_wa, "integer " + name + " violates its range");
        return value;
    }
    unsigned long long readUnsignedLong() { return (unsigned long long)readLong(0, LLONG_MAX); }
    int readInt() {
        long long value = readLong();
        if (value < INT_MIN || value > INT_MAX) quit(_pe, "expected an int32");
        return (int)value;
    }
    int readInt(int low, int high, const std::string& name = "") { return (int)readLong(low, high, name); }
    int readInteger() { return readInt(); }
    int readInteger(int low, int high, const std::string& name = "") { return readInt(low, high, name); }
    double readDouble() {
        std::string word = readWord();
        char* end = nullptr;
        double value = std::strtod(word.c_str(), &end);
        bool is_plain = word.find_first_not_of("+-.0123456789eE") == std::string::npos;
        if (*end || !is_plain || !std::isfinite(value)) quit(_pe, "expected a number, found " + compress(word));
        return value;
    }
    double readDouble(double low, double high, const std::string& name = "") {
        double value = readDouble();
        if (value < low || value > high) quit(_wa, "number " + name + " violates its range");
        return value;
    }
    double readReal() { return readDouble(); }
    double readReal(double low, double high, const std::string& name = "") { return readDouble(low, high, name); }
    double readStrictDouble(double low, double high, int, int, const std::string& name = "") {
        return readDouble(low, high, name);
    }
    std::vector<int> readInts(int count, int low = INT_MIN, int high = INT_MAX, const std::string& name = "") {
        std::vector<int> values;
        for (int i = 0; i < count; i++) values.push_back(readInt(low, high, name));
        return values;
    }
    std::vector<int> readIntegers(int count, int low = INT_MIN, int high = INT_MAX, const std::string& name = "") {
        return readInts(count, low, high, name);
    }
    std::vector<long long> readLongs(int count, long long low = LLONG_MIN, long long high = LLONG_MAX, const std::string& name = "") {
        std::vector<long long> values;
        for (int i = 0; i < count; i++) values.push_back(readLong(low, high, name));
        return values;
    }
    std::vector<std::string> readTokens(int count) {
        std::vector<std::string> words;
        for (int i = 0; i < count; i++) words.push_back(readWord());
        return words;
    }
    std::vector<std::string> readWords(int count) { return readTokens(count); }
};

inline InStream inf, ouf, ans;

inline void registerTestlibCmd(int count, char* names[]) {
    if (count < 4) touchstone::leave(_fail, "a checker is called with the files of input, output and answer");
    inf.open(names[1], _fail);
    ouf.open(names[2], _pe);
    ans.open(names[3], _fail);
}
// Called with the files of input and answer; the program is at the standard streams.
inline void registerInteraction(int count, char* names[]) {
    if (count < 2) touchstone::leave(_fail, "an interactor is called with the file of the input");
    inf.open(names[1], _fail);
    if (count > 2) ans.open(names[2], _fail);
    ouf.file = stdin;
    ouf.blamed = _pe;
}
inline std::ostringstream tout;
inline void setName(const char*, ...) {}
inline void setTestCase(int) {}
inline void unsetTestCase() {}

inline void __testlib_ensure(bool condition, const std::string& why) { if (!condition) quit(_fail, why); }
#define ensure(condition) __testlib_ensure(condition, "failed: " #condition)
inline void ensuref(bool condition, const char* text, ...) {
    if (condition) return;
    va_list arguments;
    va_start(arguments, text);
    quit(_fail, touchstone::formatted(text, arguments));
}
