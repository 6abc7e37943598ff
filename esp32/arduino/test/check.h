/* The smallest of test frameworks: CHECK says what did not hold, and the program ends with 1. */
#ifndef TALKSTICK_CHECK_H
#define TALKSTICK_CHECK_H

#include <iostream>
#include <string>

namespace check {

inline int &failures() {
    static int count = 0;
    return count;
}

template <typename Left, typename Right>
void equal(const Left &left, const Right &right, const char *text, const char *file, int line) {
    if (left == right) return;
    std::cerr << file << ":" << line << ": " << text << ": " << left << " is not " << right << "\n";
    failures()++;
}

inline int report(const char *name) {
    std::cout << name << ": " << (failures() == 0 ? "good" : "BAD") << "\n";
    return failures() == 0 ? 0 : 1;
}

} // namespace check

#define EQUAL(left, right) check::equal((left), (right), #left, __FILE__, __LINE__)
#define CHECK(fact) check::equal(static_cast<bool>(fact), true, #fact, __FILE__, __LINE__)

#endif
