// status.h: a sentence for every status, the version of the macros.

#include "status.h"
#include "check.h"

int main(void)
{
    const char *none = qq_status_string((qq_status)12);

    CHECK(qq_version() == 100u * QQ_VERSION_MINOR + 10000u * QQ_VERSION_MAJOR +
                              QQ_VERSION_PATCH);
    for (int s = QQ_OK; s <= QQ_ERR_CANCELLED; s++) {
        const char *text = qq_status_string((qq_status)s);
        CHECK(strlen(text) > 5 && text[strlen(text) - 1] == '.');
        CHECK(strcmp(text, none) != 0);
        for (int other = QQ_OK; other < s; other++)
            CHECK(strcmp(text, qq_status_string((qq_status)other)) != 0);
    }
    return check_done();
}
