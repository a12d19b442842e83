"""The bureau's clerks (经办人员): what they propose, who agrees (four eyes), what is done."""
